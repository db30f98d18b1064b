//! Proves who sent a delivery, and says what it means.
//!
//! A delivery is proved by a function named `verify` of its source ([`alpaca`], [`bridge`], [`circle::direct`],
//! [`circle::sns`]), which alone makes a [`Delivery`]: who holds one holds bytes that their sender signed. Later
//! [`meaning`] reads those bytes and says what they tell of money and shares, in facts of the vocabulary.
//!
//! Nothing here fetches a key, reads a clock, or remembers what it has seen: keys, certificates and the time are
//! arguments, and a delivery carries the key under which its receiver remembers it.

pub mod alpaca;
pub mod bridge;
mod channel;
pub mod circle;
mod content;
mod delivery;
mod digest;
mod freshness;
mod header;
mod key_ring;
mod key_text;
mod meaning;
mod notation;
mod number;
mod rejection;
mod rsa;
mod window;

pub use channel::{Channel, ChannelError, Transport};
pub use delivery::Delivery;
pub use freshness::Tolerance;
pub use key_text::KeysError;
pub use meaning::{AlpacaCash, AlpacaEntries, CircleSenders, Meaning, Reading, Unhandled, meaning};
pub use rejection::{CertificateFault, Rejection, Step};
pub use window::Window;
