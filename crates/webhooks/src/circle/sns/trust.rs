//! Which certificates are trusted to sign for SNS.

use std::fmt;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};

/// Roots of Amazon's certificate authority (www.amazontrust.com/repository), as the Mozilla root programme lists them.
const AMAZON_ROOTS: &[u8] = include_bytes!("../../../roots/amazon.crt");

/// Which certificates are trusted to sign for SNS.
///
/// The file that SNS serves holds only the signing certificate, without the intermediates between it and a root, and Amazon
/// changes intermediates without notice: no chain can be built from the file, and requiring one would reject SNS. Therefore
/// [`Unchained::ProvedByFetch`] accepts such a file for how it was fetched:
///
/// - *Where*: over TLS, with a chain to a public root, from `sns.<region>.amazonaws.com` in the region of a topic of ours, at a
///   path of one form, without redirects ([`super::CertificateUrl`]).
/// - *Name*: `sns.amazonaws.com` is among its names.
/// - *Dates*: they include the time, at the fetch and again with each message.
/// - *Usage*: a server's certificate and no authority's, with an RSA key of a size that can be trusted.
/// - *Alone*: a file with further certificates must chain to a root through them, and one whose issuer is known must be signed
///   by it.
///
/// AWS's own validators require less. [`Unchained::Refused`] always requires a chain; the intermediates must then be given
/// ([`Self::with_intermediates`]).
#[derive(Clone)]
pub struct Trust {
    pub(super) roots: Vec<TrustAnchor<'static>>,
    pub(super) intermediates: Vec<CertificateDer<'static>>,
    pub(super) unchained: Unchained,
}

/// Whether a lone certificate whose issuer is not known is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unchained {
    /// It is refused.
    Refused,
    /// It is accepted, because it was fetched over TLS from the host that it names. Only for callers that fetch so.
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
    /// None in practice: the roots are part of the program, and a test parses them.
    pub fn amazon(unchained: Unchained) -> Result<Self, TrustError> {
        Self::from_roots(AMAZON_ROOTS, unchained)
    }

    /// The roots in `pem`, for emulators of SNS and tests.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn from_roots(pem: &[u8], unchained: Unchained) -> Result<Self, TrustError> {
        let anchor = |root: &CertificateDer<'static>| {
            webpki::anchor_from_trusted_cert(root).map(|anchor| anchor.to_owned()).map_err(|_| TrustError)
        };
        let roots = certificates(pem)?.iter().map(anchor).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { roots, intermediates: Vec::new(), unchained })
    }

    /// Adds intermediates, in `pem`.
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
