//! The certificate with which SNS signs.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
};
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage};

use super::address::CertificateUrl;
use super::fields::Version;
use super::trust::{Trust, Unchained};
use crate::keys::parse_rsa_public_key;
use crate::rejection::{CertificateFault, Rejection};

/// Largest file that is parsed, in bytes: a chain of four has about 8 KiB.
pub const CERTIFICATE_BYTES_MAX: usize = 32 * 1024;
/// Most certificates in one file.
const CHAIN_CERTIFICATES_MAX: usize = 8;
/// The name that a certificate must be valid for.
const NAME: &str = "sns.amazonaws.com";

/// A certificate of SNS that was valid when it was parsed, with its key.
pub struct Certificate {
    url: CertificateUrl,
    leaf: CertificateDer<'static>,
    is_chained: bool,
    // Messages of version 1 are signed with SHA-1; Circle Mint's are.
    sha1: ParsedPublicKey,
    sha256: ParsedPublicKey,
}

impl Certificate {
    /// Checks what was fetched from `url`: a certificate, and maybe those between it and a root. Its dates must include
    /// `now`, its names `sns.amazonaws.com`, and it must chain to a root of `trust`, unless `trust` accepts the fetch as the
    /// proof of a certificate that comes alone.
    ///
    /// # Errors
    /// [`Rejection::Certificate`].
    pub fn parse(url: CertificateUrl, pem: &[u8], now: Timestamp, trust: &Trust) -> Result<Self, Rejection> {
        let (leaf, others) = parse(pem).ok_or(CertificateFault::Unreadable)?;
        let certificate = EndEntityCert::try_from(&leaf).map_err(|_| CertificateFault::Unreadable)?;
        let name = ServerName::try_from(NAME).map_err(|_| CertificateFault::Name)?;
        certificate.verify_is_valid_for_subject_name(&name).map_err(|_| CertificateFault::Name)?;
        let is_chained = check_chain(&certificate, &others, now, trust)?;
        let spki = certificate.subject_public_key_info();
        let sha1 = parse_rsa_public_key(&RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, spki.as_ref());
        let sha256 = parse_rsa_public_key(&RSA_PKCS1_2048_8192_SHA256, spki.as_ref());
        let (Some(sha1), Some(sha256)) = (sha1, sha256) else {
            return Err(CertificateFault::Key.into());
        };
        Ok(Self { url, leaf, is_chained, sha1, sha256 })
    }

    /// The URL from which it was fetched.
    #[must_use]
    pub fn url(&self) -> &CertificateUrl {
        &self.url
    }

    /// Whether it chains to a known root; if not, only its fetch proves it.
    #[must_use]
    pub fn is_chained(&self) -> bool {
        self.is_chained
    }

    /// Checks its dates again: it may have been cached for long.
    ///
    /// # Errors
    /// [`Rejection::Certificate`].
    pub fn check_dates(&self, now: Timestamp) -> Result<(), Rejection> {
        let certificate = EndEntityCert::try_from(&self.leaf).map_err(|_| CertificateFault::Unreadable)?;
        // Without any roots the search ends with "unknown issuer", after the dates were found valid.
        match chain_error(&certificate, &[], now, &[]) {
            None | Some(Error::UnknownIssuer) => Ok(()),
            Some(error) => Err(fault(&error).into()),
        }
    }

    pub(super) fn verifies(&self, version: Version, message: &[u8], signature: &[u8]) -> bool {
        let key = match version {
            Version::One => &self.sha1,
            Version::Two => &self.sha256,
        };
        key.verify_sig(message, signature).is_ok()
    }
}

/// The first certificate, and the others.
fn parse(pem: &[u8]) -> Option<(CertificateDer<'static>, Vec<CertificateDer<'static>>)> {
    if pem.len() > CERTIFICATE_BYTES_MAX {
        return None;
    }
    let mut found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
    if found.is_empty() || found.len() > CHAIN_CERTIFICATES_MAX {
        return None;
    }
    let others = found.split_off(1);
    found.pop().map(|leaf| (leaf, others))
}

/// Whether it chains to a trusted root; an error where neither that nor its fetch suffices. "Unknown issuer" is what is left
/// when everything in the certificate itself is valid: its dates, that it is no authority's, its usage.
fn check_chain(
    certificate: &EndEntityCert<'_>,
    others: &[CertificateDer<'static>],
    now: Timestamp,
    trust: &Trust,
) -> Result<bool, CertificateFault> {
    let between: Vec<_> = others.iter().chain(&trust.intermediates).cloned().collect();
    match chain_error(certificate, &between, now, &trust.roots) {
        None => Ok(true),
        Some(Error::UnknownIssuer) if others.is_empty() && trust.unchained == Unchained::ProvedByFetch => {
            Ok(false)
        }
        Some(error) => Err(fault(&error)),
    }
}

/// Why there is no valid chain. Dates are checked before issuers are looked for.
fn chain_error(
    certificate: &EndEntityCert<'_>,
    between: &[CertificateDer<'_>],
    now: Timestamp,
    roots: &[rustls_pki_types::TrustAnchor<'_>],
) -> Option<Error> {
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
    let usage = KeyUsage::server_auth();
    certificate.verify_for_usage(ALL_VERIFICATION_ALGS, roots, between, time, usage, None, None).err()
}

fn fault(error: &Error) -> CertificateFault {
    match error {
        Error::CertExpired { .. } => CertificateFault::Expired,
        Error::CertNotValidYet { .. } => CertificateFault::NotYetValid,
        _ => CertificateFault::Untrusted,
    }
}

impl From<CertificateFault> for Rejection {
    fn from(fault: CertificateFault) -> Self {
        Self::Certificate(fault)
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Certificate").field("url", &self.url).finish_non_exhaustive()
    }
}
