//! Audit entries, the chain they form, and its verification.
//!
//! Each entry is authenticated with HMAC-SHA256 over all of its fields, its number and the hash of the previous entry.
//! Whoever can write to the database but does not have the key cannot change, drop, insert, swap or fork entries without
//! detection. The sealed [`Head`] names the last entry, so that truncation is detected too. Restoring the whole database to
//! an earlier authentic state, head included, is detected only with a head that was stored elsewhere as a checkpoint:
//! [`Verifier::with_checkpoint`].
//!
//! This crate stores nothing and reads no clock; keys are arguments.
//!
//! ```
//! use audit::{Entry, Head, Key, Verifier, append};
//!
//! let key = Key::new(b"thirty-two bytes of randomness!!")?;
//! let now = "2026-01-02T15:04:05Z".parse().unwrap();
//! let entry = Entry::new(now, "operator:ana", "webhooks.replay", "bridge", None, r#"{"events":3}"#)?;
//! let (sealed, head) = append(&key, &Head::start(&key), entry);
//!
//! let mut verifier = Verifier::new(&key);
//! verifier.feed(&sealed)?;
//! assert_eq!(verifier.finish(&head)?.entries, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chain;
mod encoding;
mod entry;
mod error;
pub mod export;
mod hash;
mod head;
mod hex_text;
mod key;
mod key_id;
mod proof;
mod verifier;

pub use chain::{SealedEntry, append};
pub use entry::{Entry, EntryError};
pub use error::ChainError;
pub use hash::{Hash, HashError};
pub use head::{Head, StoredHead};
pub use key::{Key, KeyError};
pub use key_id::{KeyId, KeyIdError};
pub use proof::ProofError;
pub use verifier::{VerifiedChain, Verifier};
