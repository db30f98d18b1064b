//! What providers say, byte for byte as they would: each kind of event of Alpaca, Bridge and Circle.
//!
//! Alpaca: <https://docs.alpaca.markets/docs/activity-sse> and the broker's OpenAPI description. Bridge:
//! apidocs.bridge.xyz, webhooks/structure. Circle: developers.circle.com/wallets/webhook-notifications. Ids are made of
//! names, so that the same name is the same id in every test.

mod alpaca;
mod bridge;
mod circle;

use std::fmt::Write as _;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

pub use alpaca::{AlpacaAccount, Trade};
pub use bridge::bridge;
pub use circle::{circle_test, circle_transaction};

/// The UUID of a name.
#[must_use]
pub fn uuid(name: &str) -> String {
    let hash = Sha256::digest(name.as_bytes());
    // Version 4, variant 1: some readers look.
    let mut bytes: [u8; 16] = std::array::from_fn(|position| hash[position]);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    bytes.iter().enumerate().fold(String::new(), |mut text, (position, byte)| {
        let dash = if matches!(position, 4 | 6 | 8 | 10) { "-" } else { "" };
        write!(text, "{dash}{byte:02x}").expect("text grows");
        text
    })
}

/// The ULID of an instant and a name: 10 characters of time, 16 of the name, in Crockford's alphabet.
#[must_use]
pub fn ulid(at: Timestamp, name: &str) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let ms = at.as_millisecond().unsigned_abs();
    let time = (0..10).rev().map(|place| (ms >> (5 * place)) & 31).map(|digit| digit as usize);
    let hash = Sha256::digest(name.as_bytes());
    let rest = hash.iter().take(16).map(|byte| usize::from(byte & 31));
    time.chain(rest).map(|digit| char::from(ALPHABET[digit])).collect()
}
