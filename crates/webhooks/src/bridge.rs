//! Bridge: bank accounts, and transfers between money and tokens.
//!
//! A delivery carries `X-Webhook-Signature: t=<unix milliseconds>,v0=<base64>`: RSASSA-PKCS1-v1_5 with SHA-256 over *the
//! SHA-256 digest* of `<t>.<raw body>` — the string is hashed twice
//! (apidocs.bridge.xyz/platform/additional-information/webhooks/signature). Each endpoint has a key pair of its own, and
//! every repetition of a delivery is signed anew with a fresh time.

mod category;
mod header;
mod keys;
mod outline;
mod verify;

pub use category::{Category, Mutation};
pub use keys::Keys;
pub(crate) use outline::full_type;
pub use verify::{SIGNATURE_HEADER, verify};
