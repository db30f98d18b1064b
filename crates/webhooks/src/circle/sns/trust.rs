//! Which certificates are trusted to sign for SNS.

use std::fmt;

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor};

/// Roots of Amazon's certificate authority (www.amazontrust.com/repository), as the Mozilla root programme lists them.
const AMAZON_ROOTS: &[u8] = include_bytes!("../../../roots/amazon.crt");

/// Which certificates are trusted to sign for SNS.
///
/// The file that SNS serves holds the signing certificate alone, without those between it and a root, and Amazon names
/// new ones in between without notice. A chain can then not be built from the file. What proves such a file is how it was
/// fetched: over TLS from `sns.<region>.amazonaws.com`, whose own chain the TLS stack has built to a public root, at a
/// path of one form, without redirects. So a lone certificate is accepted by default when its dates and its name are
/// good ([`Unchained::ProvedByFetch`]); AWS's own validators ask for no more. A file that does hold a chain must hold a
/// good one, and [`Unchained::Refused`] demands one always.
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
