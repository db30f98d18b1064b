//! Circle v2: deliveries that Circle posts and signs by itself.
//!
//! `X-Circle-Signature` is the Base64 of a DER-encoded ECDSA signature on P-256 with SHA-256 over the raw body;
//! `X-Circle-Key-Id` names the key, which is fetched from Circle once and never changes
//! (developers.circle.com/api-reference/verify-webhook-signatures). No time is signed, so only the receiver's memory protects a
//! delivery from a replay. A signature (r, s) has a twin (r, n − s) that anyone can compute and that is as valid: it is
//! accepted, and as copies are recognized by the body, it has no second effect.

mod envelope;
mod family;
mod interpret;
mod key;
mod verify;

use domain::Provider;

use crate::channel::Channel;

pub(super) use interpret::interpret;
pub use key::{KeyId, PublicKey};
pub use verify::{key_id, verify};

/// The header that carries the signature.
pub const SIGNATURE_HEADER: &str = "x-circle-signature";
/// The header that names the key.
pub const KEY_ID_HEADER: &str = "x-circle-key-id";

pub(super) const CHANNEL: Channel = Channel::new(Provider::Circle, "circle/direct");
