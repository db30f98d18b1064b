//! What an audit entry is, how entries chain, and how a chain is checked.
//!
//! Each entry is authenticated with HMAC-SHA256 over all of its fields, its number and the hash of the entry before it, so
//! that whoever can write to the database and does not have the key can change, drop, insert, swap or fork nothing
//! unseen. The sealed [`Head`] says which entry is the last, so that cutting the end off is seen too. Setting the whole
//! database back to an earlier state that was true once, head included, is seen only with a head that was kept
//! elsewhere: [`Verifier::witness`].
//!
//! It keeps nothing, reads no clock and knows no key but those it is handed.
//!
//! ```
//! use audit::{Entry, Head, Key, Verifier, chain};
//!
//! let key = Key::new(b"thirty-two bytes of randomness!!")?;
//! let now = "2026-01-02T15:04:05Z".parse().unwrap();
//! let entry = Entry::new(now, "operator:ana", "webhooks.replay", "bridge", None, r#"{"events":3}"#)?;
//! let (sealed, head) = chain(&key, &Head::start(&key), entry);
//!
//! let mut verifier = Verifier::new(&key);
//! verifier.feed(&sealed)?;
//! assert_eq!(verifier.finish(&head)?.entries, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod chain;
mod encoding;
mod entry;
pub mod export;
mod fault;
mod hash;
mod head;
mod key;
mod verifier;

pub use chain::{Sealed, chain};
pub use entry::{
    ACTION_BYTES_MAX, ACTOR_BYTES_MAX, DETAIL_BYTES_MAX, Entry, EntryError, OBJECT_BYTES_MAX,
    REQUEST_ID_BYTES_MAX,
};
pub use fault::Fault;
pub use hash::{Hash, HashError};
pub use head::{Head, WrittenHead};
pub use key::{KEY_BYTES_MIN, Key, KeyError, KeyId};
pub use verifier::{Verified, Verifier};
