//! Which certificates are trusted to sign for SNS.

use std::fmt;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};

/// Roots of Amazon's certificate authority (www.amazontrust.com/repository), as the Mozilla root programme lists them.
const AMAZON_ROOTS: &[u8] = include_bytes!("../../../roots/amazon.crt");

/// Which certificates are trusted to sign for SNS.
///
/// The file that SNS serves holds the signing certificate alone, without those between it and a root, and Amazon names
/// new ones in between without notice: from the file a chain cannot be built, and to demand one is to refuse SNS. The
/// decision, which is [`Unchained::ProvedByFetch`]: such a file is proved by how it was fetched, and by nothing less.
///
/// - *Where*: over TLS, whose own chain to a public root the TLS stack has built, from `sns.<region>.amazonaws.com` and the
///   region of a topic of ours, at a path of one form, without redirects ([`super::CertificateUrl`]).
/// - *For whom*: `sns.amazonaws.com` is among its names.
/// - *When*: its dates hold the time, at the fetch and again with each message.
/// - *What for*: a server's certificate and no authority's, with an RSA key of a size that can be trusted.
/// - *Alone*: a file that holds others too must lead to a root through them, and one whose issuer is known must be signed by
///   it.
///
/// AWS's own validators ask for less. [`Unchained::Refused`] demands a chain always; with it the certificates in between are
/// to be given ([`Self::with_intermediates`]).
#[derive(Clone)]
pub struct Trust {
    pub(super) roots: Vec<TrustAnchor<'static>>,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
    pub(super) unchained: Unchained,
}

/// What is done with a lone certificate whose issuer is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchained {
    /// It is refused.
    Refused,
    /// It is accepted, because it was fetched over TLS from the host that it is made for. Only for whoever fetches so.
    ProvedByFetch,
}

/// The text holds no certificate authorities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the trusted certificates are not PEM blocks `CERTIFICATE` of certificate authorities")]
pub struct TrustError;

impl Trust {
    /// Amazon's roots.
    ///
    /// # Errors
    /// None in practice: the roots are part of the program, and a test reads them.
    pub fn amazon(unchained: Unchained) -> Result<Self, TrustError> {
        Self::of_roots(AMAZON_ROOTS, unchained)
    }

    /// The roots in `pem`, for emulators of SNS and tests.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn of_roots(pem: &[u8], unchained: Unchained) -> Result<Self, TrustError> {
        let anchor = |root: &CertificateDer<'static>| {
            webpki::anchor_from_trusted_cert(root).map(|anchor| anchor.to_owned()).map_err(|_| TrustError)
        };
        let roots = certificates(pem)?.iter().map(anchor).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { roots, intermediates: Vec::new(), unchained })
    }

    /// Also knows the certificates in `pem`, which stand between a signing certificate and a root.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn with_intermediates(mut self, pem: &[u8]) -> Result<Self, TrustError> {
        self.intermediates.extend(certificates(pem)?);
        Ok(self)
    }
}

/// At least one certificate.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TrustError> {
    let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(|_| TrustError)?;
    if found.is_empty() { Err(TrustError) } else { Ok(found) }
}

impl fmt::Debug for Trust {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Trust")
            .field("roots", &self.roots.len())
            .field("intermediates", &self.intermediates.len())
            .field("unchained", &self.unchained)
            .finish()
    }
}
