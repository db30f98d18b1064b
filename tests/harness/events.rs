//! The events of Alpaca, Bridge and Circle, byte for byte as they send them.
//!
//! Alpaca: <https://docs.alpaca.markets/docs/activity-sse> and the broker's OpenAPI description. Bridge:
//! apidocs.bridge.xyz, webhooks/structure. Circle: developers.circle.com/wallets/webhook-notifications. Ids are derived
//! from names, so that the same name has the same id in every test.

mod alpaca;
mod bridge;
mod circle;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

pub use alpaca::{AlpacaAccount, Trade};
pub use bridge::bridge;
pub use circle::{circle_test, circle_transaction};

/// A UUID derived from a name.
pub fn uuid(name: &str) -> String {
    let hash = Sha256::digest(name.as_bytes());
    // Version 4, variant 1: some readers check.
    let mut bytes: [u8; 16] = std::array::from_fn(|position| hash[position]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    [0..4, 4..6, 6..8, 8..10, 10..16].map(|group| hex::encode(&bytes[group])).join("-")
}

/// A ULID of a time (10 characters) and a name (16), in Crockford's alphabet.
pub fn ulid(at: Timestamp, name: &str) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let ms = at.as_millisecond().unsigned_abs();
    let time = (0..10).rev().map(|position| (ms >> (5 * position)) & 31).map(|digit| digit as usize);
    let hash = Sha256::digest(name.as_bytes());
    let rest = hash.iter().take(16).map(|byte| usize::from(byte & 31));
    time.chain(rest).map(|digit| char::from(ALPHABET[digit])).collect()
}
