//! The signed messages: parts with their lengths before them, so that no two lists of parts encode to the same bytes.
//!
//! Each part is its length as 8 bytes, most significant first, and then its bytes. Numbers are parts of 8 bytes, most
//! significant first, in two's complement. The first part names the kind of message, so that a head is never an entry.

use crate::entry::Entry;
use crate::hash::Hash;
use crate::key_id::KeyId;

const ENTRY: &[u8] = b"investiq.audit.entry.v1";
const HEAD: &[u8] = b"investiq.audit.head.v1";
const KEY: &[u8] = b"investiq.audit.key.v1";
const ROW: &[u8] = b"investiq.audit.row.v1";

pub(crate) fn entry_message(key: KeyId, sequence: u64, previous: &Hash, entry: &Entry) -> Vec<u8> {
    let mut message = Message::new(ENTRY);
    message.part(&key.0);
    message.part(&sequence.to_be_bytes());
    message.part(previous.as_bytes());
    message.part(&entry.at_us().to_be_bytes());
    message.part(entry.actor().as_bytes());
    message.part(entry.action().as_bytes());
    message.part(entry.object().as_bytes());
    message.optional(entry.request_id().map(str::as_bytes));
    message.part(entry.detail().as_bytes());
    message.0
}

pub(crate) fn head_message(key: KeyId, sequence: u64, hash: &Hash) -> Vec<u8> {
    let mut message = Message::new(HEAD);
    message.part(&key.0);
    message.part(&sequence.to_be_bytes());
    message.part(hash.as_bytes());
    message.0
}

/// The message that proves a row of this kind.
pub(crate) fn row_message(key: KeyId, kind: &str, columns: &[Option<Vec<u8>>]) -> Vec<u8> {
    let mut message = Message::new(ROW);
    message.part(&key.0);
    message.part(kind.as_bytes());
    columns.iter().for_each(|column| message.optional(column.as_deref()));
    message.0
}

/// The message whose hash begins with the key's id.
pub(crate) fn key_message() -> Vec<u8> {
    Message::new(KEY).0
}

struct Message(Vec<u8>);

impl Message {
    fn new(kind: &[u8]) -> Self {
        let mut message = Self(Vec::with_capacity(512));
        message.part(kind);
        message
    }

    fn part(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// `None` is an empty part and a value is `=` and the value, so that an empty one differs from none.
    fn optional(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.part(b""),
            Some(value) => self.part(&[b"=", value].concat()),
        }
    }
}
