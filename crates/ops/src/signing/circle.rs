//! Circle's own deliveries: ECDSA on P-256 over the raw body, and the id of the key under which it can be fetched
//! (developers.circle.com, verify webhook signatures).

use std::path::Path;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{SignedRequest, cannot_sign, invalid_key, read_private_key};
use crate::failure::Failure;

pub(crate) const HEADER: &str = "x-circle-signature";
pub(crate) const KEY_ID_HEADER: &str = "x-circle-key-id";

pub(crate) struct Circle {
    pair: EcdsaKeyPair,
    key_id: String,
}

impl Circle {
    /// Loads the private key from a PEM file; the server fetches the public key under this id.
    pub(crate) fn open(path: &Path, key_id: &str) -> Result<Self, Failure> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &read_private_key(path)?);
        let pair = pair.map_err(|_| invalid_key(path, "a P-256 key in PKCS #8"))?;
        Ok(Self::new(pair, key_id))
    }

    pub(super) fn new(pair: EcdsaKeyPair, key_id: &str) -> Self {
        Self { pair, key_id: key_id.to_owned() }
    }

    pub(super) fn key_id(&self) -> &str {
        &self.key_id
    }

    pub(super) fn sign(&self, body: &[u8]) -> Result<SignedRequest, Failure> {
        let signature = self.pair.sign(&SystemRandom::new(), body).map_err(|_| cannot_sign())?;
        let headers = vec![
            ("content-type", "application/json".to_owned()),
            (HEADER, STANDARD.encode(signature.as_ref())),
            (KEY_ID_HEADER, self.key_id.clone()),
        ];
        Ok(SignedRequest { path: "/api/v1/webhooks/circle".to_owned(), headers, body: body.to_vec() })
    }
}
