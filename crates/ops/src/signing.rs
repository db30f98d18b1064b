//! Deliveries as a provider would sign them, to try a server without one.
//!
//! It is written from the providers' descriptions, and shares no code with what the server verifies with.

mod alpaca;
mod bridge;
mod circle;
mod sns;
mod tamper;

use std::path::Path;

use jiff::Timestamp;

use crate::failure::Failure;

pub(crate) use alpaca::Alpaca;
pub(crate) use bridge::Bridge;
pub(crate) use circle::Circle;
pub(crate) use sns::{MessageType, Sns};
pub(crate) use tamper::Tamper;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Source {
    /// The broker, through a relay that signs as docs/webhooks.md says
    Alpaca,
    /// Bank accounts and transfers
    Bridge,
    /// Wallets: Circle's own deliveries
    Circle,
    /// Mint: Circle's deliveries through Amazon SNS
    CircleSns,
}

/// A request as it goes over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    /// Where to, below the server's address.
    pub(crate) path: String,
    /// The headers, in order; a name may stand twice.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Its exact bytes.
    pub(crate) body: Vec<u8>,
}

/// Who signs, with which key.
pub(crate) enum Signer {
    Alpaca(Alpaca),
    Bridge(Bridge),
    Circle(Circle),
    Sns(Sns),
}

impl Source {
    /// Every source.
    pub(crate) const ALL: [Self; 4] = [Self::Alpaca, Self::Bridge, Self::Circle, Self::CircleSns];

    /// Its name, as in arguments and names of samples.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Alpaca => "alpaca",
            Self::Bridge => "bridge",
            Self::Circle => "circle",
            Self::CircleSns => "circle-sns",
        }
    }

    /// The source of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == name)
    }
}

impl Signer {
    /// Signs a body at a time.
    pub(crate) fn sign(&self, body: &[u8], at: Timestamp) -> Result<Signed, Failure> {
        match self {
            Self::Alpaca(signer) => Ok(signer.sign(body, at)),
            Self::Bridge(signer) => signer.sign(body, at),
            Self::Circle(signer) => signer.sign(body),
            Self::Sns(signer) => signer.sign(body, at),
        }
    }
}

/// The text of a key's file. Only its owner needs to read it, and it is never an argument.
fn read_key(path: &Path) -> Result<zeroize::Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let hint = "`investiq webhooks keygen` makes keys for a server of one's own";
        Failure::Precondition(format!("reading the key {}: {error}; {hint}", path.display()))
    })?;
    Ok(zeroize::Zeroizing::new(text))
}

/// The private key in a PEM file, as PKCS #8.
fn read_private_key(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, Failure> {
    let der = crate::pem::read("PRIVATE KEY", &read_key(path)?);
    der.map(zeroize::Zeroizing::new).ok_or_else(|| refused(path, "a PEM block `PRIVATE KEY`"))
}

fn refused(path: &Path, expected: &str) -> Failure {
    Failure::Precondition(format!("the key {} is not {expected}", path.display()))
}

fn not_signed() -> Failure {
    Failure::Precondition("the key does not sign".to_owned())
}
