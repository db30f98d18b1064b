//! Signs deliveries as providers do, to test a server without them.
//!
//! It is written from the providers' documentation and shares no code with the server's verification.

mod amazon_sns;
mod bridge;
mod circle;
mod tamper;
mod timed_hmac;

use std::path::Path;

use jiff::Timestamp;

use crate::failure::Failure;

pub(crate) use amazon_sns::{MessageType, Sns};
pub(crate) use bridge::Bridge;
pub(crate) use circle::Circle;
pub(crate) use tamper::Tamper;
pub(crate) use timed_hmac::TimedHmac;

#[derive(Clone, Debug)]
pub(crate) struct SignedRequest {
    /// The path below the server's address.
    pub(crate) path: String,
    /// In order; a name may occur twice.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// A sender with its key.
pub(crate) enum Signer {
    TimedHmac(TimedHmac),
    Bridge(Bridge),
    Circle(Circle),
    Sns(Sns),
}

impl Signer {
    pub(crate) fn sign(&self, body: &[u8], at: Timestamp) -> Result<SignedRequest, Failure> {
        match self {
            Self::TimedHmac(signer) => Ok(signer.sign(body, at)),
            Self::Bridge(signer) => signer.sign(body, at),
            Self::Circle(signer) => signer.sign(body),
            Self::Sns(signer) => signer.sign(body, at),
        }
    }
}

fn read_key(path: &Path) -> Result<zeroize::Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let hint = "`investiq webhooks keygen` creates test keys";
        Failure::Precondition(format!("cannot read the key {}: {error}; {hint}", path.display()))
    })?;
    Ok(zeroize::Zeroizing::new(text))
}

/// The private key of a PEM file, as PKCS #8.
fn read_private_key(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, Failure> {
    let der = crate::pem::parse("PRIVATE KEY", &read_key(path)?);
    der.map(zeroize::Zeroizing::new).ok_or_else(|| invalid_key(path, "a PEM block `PRIVATE KEY`"))
}

fn invalid_key(path: &Path, expected: &str) -> Failure {
    Failure::Precondition(format!("the key {} is not {expected}", path.display()))
}

fn cannot_sign() -> Failure {
    Failure::Precondition("signing failed: the key is invalid".to_owned())
}
