//! Bridge: `X-Webhook-Signature: t=<unix ms>,v0=<base64>`, RSA over the SHA-256 *digest* of `<t>.<body>`, so that two
//! hashes are made (apidocs.bridge.xyz, webhook event signature verification).

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::{SignedRequest, cannot_sign, invalid_key, read_private_key};
use crate::failure::Failure;

pub(crate) const HEADER: &str = "x-webhook-signature";

pub(crate) struct Bridge(KeyPair);

impl Bridge {
    /// Loads the private key from a PEM file.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let pair = KeyPair::from_pkcs8(&read_private_key(path)?);
        pair.map(Self).map_err(|_| invalid_key(path, "an RSA key in PKCS #8"))
    }

    pub(super) fn new(pair: KeyPair) -> Self {
        Self(pair)
    }

    pub(super) fn sign(&self, body: &[u8], at: Timestamp) -> Result<SignedRequest, Failure> {
        let message = message(body, at);
        self.request(digest(&SHA256, &message).as_ref(), body, at)
    }

    /// Signs as a sender that hashes only once.
    pub(super) fn sign_single_digest(&self, body: &[u8], at: Timestamp) -> Result<SignedRequest, Failure> {
        self.request(&message(body, at), body, at)
    }

    fn request(&self, message: &[u8], body: &[u8], at: Timestamp) -> Result<SignedRequest, Failure> {
        let v0 = STANDARD.encode(rsa(&self.0, message)?);
        let signature = format!("t={},v0={v0}", at.as_millisecond());
        let headers = vec![("content-type", "application/json".to_owned()), (HEADER, signature)];
        Ok(SignedRequest { path: "/api/v1/webhooks/bridge".to_owned(), headers, body: body.to_vec() })
    }
}

fn message(body: &[u8], at: Timestamp) -> Vec<u8> {
    [at.as_millisecond().to_string().as_bytes(), b".", body].concat()
}

/// RSASSA-PKCS1-v1_5 with SHA-256.
pub(super) fn rsa(pair: &KeyPair, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(|_| cannot_sign())?;
    Ok(signature)
}
