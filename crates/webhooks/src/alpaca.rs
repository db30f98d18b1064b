//! Alpaca: the broker.
//!
//! Alpaca itself sends no webhooks: it offers streams of events (docs.alpaca.markets/docs/activity-sse). A relay that
//! posts them signs in a form of our own, in header `Alpaca-Signature`:
//!
//! - `t=<unix seconds>,v1=<hex>`, where `hex` is HMAC-SHA256 of `<t>.<raw body>` in lower case; up to eight `v1`, so that a
//!   sender can sign with the old and the new secret while it changes;
//! - `<hex>` or `sha256=<hex>` over the raw body alone, which [`Policy::AlsoBodyOnly`] accepts: it covers no time, and so
//!   only the receiver's memory protects it from being sent again.
//!
//! The body is the `data` of the stream's record in both, so a relayed event and a streamed one are one event.

mod header;
mod keys;
mod kind;
mod outline;
mod verify;

pub use keys::Keys;
pub use kind::{Kind, KindError};
pub use verify::{Policy, SIGNATURE_HEADER, of_stream, verify};
