//! Our own `Alpaca-Signature`: `t=<unix seconds>,v1=<hex of HMAC-SHA256 over "<t>.<body>">`.

use std::path::Path;

use aws_lc_rs::hmac;
use jiff::Timestamp;

use super::{Signed, read_key};
use crate::failure::Failure;

pub(crate) const HEADER: &str = "alpaca-signature";

/// A relay of the broker's events.
pub(crate) struct Alpaca {
    // Its blocks are large, and the other senders small.
    key: Box<hmac::Key>,
    kind: String,
}

impl Alpaca {
    /// With the secret that the server has, too: the first line of a file, and of it what follows `secret=`.
    pub(crate) fn open(path: &Path, kind: &str) -> Result<Self, Failure> {
        let text = read_key(path)?;
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        let secret = line.split_once("secret=").map_or(line, |(_, secret)| secret);
        if secret.is_empty() {
            return Err(super::refused(path, "a secret on a line of its own"));
        }
        Ok(Self::new(secret.as_bytes(), kind))
    }

    /// With this secret.
    pub(super) fn new(secret: &[u8], kind: &str) -> Self {
        Self { key: Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)), kind: kind.to_owned() }
    }

    /// The same with another secret.
    pub(super) fn with_secret(&self, secret: &[u8]) -> Self {
        Self::new(secret, &self.kind)
    }

    pub(super) fn sign(&self, body: &[u8], at: Timestamp) -> Signed {
        let t = at.as_second();
        let v1 = self.hex(&[t.to_string().as_bytes(), b".", body].concat());
        self.request(format!("t={t},v1={v1}"), body)
    }

    /// The legacy form, over the body alone.
    pub(super) fn sign_body_only(&self, body: &[u8]) -> Signed {
        self.request(format!("sha256={}", self.hex(body)), body)
    }

    fn hex(&self, message: &[u8]) -> String {
        let tag = hmac::sign(&self.key, message);
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn request(&self, signature: String, body: &[u8]) -> Signed {
        let headers = vec![("content-type", "application/json".to_owned()), (HEADER, signature)];
        Signed { path: format!("/api/v1/webhooks/alpaca/{}", self.kind), headers, body: body.to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_github_shows_it() {
        // docs.github.com, "Validating webhook deliveries": secret and body of its example, and the hash it expects.
        let signer = Alpaca::new(b"It's a Secret to Everybody", "trade");
        let signed = signer.sign_body_only(b"Hello, World!");
        let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(signed.headers[1], (HEADER, expected.to_owned()));
    }

    #[test]
    fn a_time_is_signed_with_the_body() {
        // printf '1767366245.{}' | openssl dgst -sha256 -hmac sixteen-or-more-bytes
        let signer = Alpaca::new(b"sixteen-or-more-bytes", "nta");
        let signed = signer.sign(b"{}", "2026-01-02T15:04:05Z".parse().unwrap());
        assert_eq!(signed.path, "/api/v1/webhooks/alpaca/nta");
        assert_eq!(signed.headers[1].1, EXPECTED);
    }

    const EXPECTED: &str = "t=1767366245,v1=5f39d7d16b532f14d0c5a29074806c8fef53d1f46744e253d854f7f48284d0aa";
}
