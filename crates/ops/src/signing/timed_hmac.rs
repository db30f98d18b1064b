//! `t=<unix seconds>,v1=<hex of HMAC-SHA256 over "<t>.<body>">` in a header, as Stripe and others sign.

use std::path::Path;

use aws_lc_rs::hmac;
use jiff::Timestamp;

use super::{SignedRequest, read_key};
use crate::failure::Failure;

/// A sender that shares a secret with the server.
pub(crate) struct TimedHmac {
    // Boxed because it is much larger than the other senders.
    key: Box<hmac::Key>,
    header: &'static str,
    path: String,
}

impl TimedHmac {
    /// Loads the first secret of a file in the format of the server's secret.
    pub(crate) fn open(file: &Path, header: &'static str, path: String) -> Result<Self, Failure> {
        let text = read_key(file)?;
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let secret = line.split_once("secret=").map_or(line, |(_, secret)| secret);
        if secret.is_empty() {
            return Err(super::invalid_key(file, "a secret on a line of its own"));
        }
        Ok(Self::new(secret.as_bytes(), header, path))
    }

    fn new(secret: &[u8], header: &'static str, path: String) -> Self {
        Self { key: Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)), header, path }
    }

    pub(super) fn with_secret(self, secret: &[u8]) -> Self {
        Self::new(secret, self.header, self.path)
    }

    pub(super) const fn header(&self) -> &'static str {
        self.header
    }

    pub(super) fn sign(&self, body: &[u8], at: Timestamp) -> SignedRequest {
        let t = at.as_second();
        let v1 = self.hex(&[t.to_string().as_bytes(), b".", body].concat());
        self.request(format!("t={t},v1={v1}"), body)
    }

    /// Signs the body alone.
    pub(super) fn sign_body_only(&self, body: &[u8]) -> SignedRequest {
        self.request(format!("sha256={}", self.hex(body)), body)
    }

    fn hex(&self, message: &[u8]) -> String {
        hex::encode(hmac::sign(&self.key, message))
    }

    fn request(&self, signature: String, body: &[u8]) -> SignedRequest {
        let headers = vec![("content-type", "application/json".to_owned()), (self.header, signature)];
        SignedRequest { path: self.path.clone(), headers, body: body.to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_of_github_is_made() {
        // docs.github.com, "Validating webhook deliveries": secret, payload and signature of the page.
        let signer = TimedHmac::new(b"It's a Secret to Everybody", "x-signature", String::new());
        let signed = signer.sign_body_only(b"Hello, World!");
        let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(signed.headers[1], ("x-signature", expected.to_owned()));
    }

    #[test]
    fn a_time_is_signed_with_the_body() {
        // printf '1767366245.{}' | openssl dgst -sha256 -hmac sixteen-or-more-bytes
        let signer = TimedHmac::new(b"sixteen-or-more-bytes", "x-signature", "/alpaca/nta".to_owned());
        let signed = signer.sign(b"{}", "2026-01-02T15:04:05Z".parse().unwrap());
        assert_eq!((signed.path.as_str(), signed.headers[1].1.as_str()), ("/alpaca/nta", EXPECTED));
    }

    const EXPECTED: &str = "t=1767366245,v1=5f39d7d16b532f14d0c5a29074806c8fef53d1f46744e253d854f7f48284d0aa";
}
