//! What is hashed: parts with their lengths before them, so that no two different lists of parts are the same bytes.
//!
//! Each part is its length as 8 bytes, most significant first, and then its bytes. Numbers are parts of 8 bytes, most
//! significant first, in two's complement. The first part says what is hashed, so that a head is never an entry.

use crate::entry::Entry;
use crate::hash::Hash;
use crate::key::KeyId;

const ENTRY: &[u8] = b"investiq.audit.entry.v1";
const HEAD: &[u8] = b"investiq.audit.head.v1";
const KEY: &[u8] = b"investiq.audit.key.v1";

/// The message of an entry at its place.
pub(crate) fn of_entry(key: KeyId, sequence: u64, previous: &Hash, entry: &Entry) -> Vec<u8> {
    let mut message = Message::of(ENTRY);
    message.part(key.as_bytes());
    message.part(&sequence.to_be_bytes());
    message.part(previous.as_bytes());
    message.part(&entry.at_us().to_be_bytes());
    message.part(entry.actor().as_bytes());
    message.part(entry.action().as_bytes());
    message.part(entry.object().as_bytes());
    message.optional(entry.request_id());
    message.part(entry.detail().as_bytes());
    message.0
}

/// The message of a head: which entry is the last.
pub(crate) fn of_head(key: KeyId, sequence: u64, hash: &Hash) -> Vec<u8> {
    let mut message = Message::of(HEAD);
    message.part(key.as_bytes());
    message.part(&sequence.to_be_bytes());
    message.part(hash.as_bytes());
    message.0
}

/// The message whose first 8 hashed bytes name a key.
pub(crate) fn of_key() -> Vec<u8> {
    Message::of(KEY).0
}

struct Message(Vec<u8>);

impl Message {
    fn of(subject: &[u8]) -> Self {
        let mut message = Self(Vec::with_capacity(512));
        message.part(subject);
        message
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// Nothing is an empty part; a text is `=` and itself, so that an empty text differs from none.
    fn optional(&mut self, text: Option<&str>) {
        match text {
            None => self.part(b""),
            Some(text) => self.part(&[b"=", text.as_bytes()].concat()),
        }
    }
}
