//! Circle's second system: deliveries that Circle posts and signs by itself.
//!
//! `X-Circle-Signature` is the Base64 of a DER-encoded ECDSA signature on P-256 with SHA-256 over the raw body;
//! `X-Circle-Key-Id` names the key, which is asked of Circle once and never changes
//! (developers.circle.com/api-reference/verify-webhook-signatures). No time is signed, so only the receiver's memory
//! protects a delivery from being sent again. A signature (r, s) has a twin (r, n − s) that anyone can compute and that
//! is as valid: it is accepted, and as the key for recognising copies is made of the body, it has no second effect.

mod family;
mod key;
mod outline;
mod verify;

pub use family::Family;
pub use key::{KeyId, PublicKey};
pub(crate) use outline::TEST;
pub use verify::{KEY_ID_HEADER, SIGNATURE_HEADER, key_id, verify};
