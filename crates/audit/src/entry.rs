//! Who did what to what, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest actor, in bytes.
pub const ACTOR_BYTES_MAX: usize = 256;
/// Longest action, in bytes.
pub const ACTION_BYTES_MAX: usize = 128;
/// Longest object, in bytes.
pub const OBJECT_BYTES_MAX: usize = 512;
/// Longest request id, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 128;
/// Longest detail, in bytes: room for a batch of some thousand event ids with their hashes.
pub const DETAIL_BYTES_MAX: usize = 1024 * 1024;

/// One thing that was done. What is read back from storage is taken as it stands, whatever it says: the chain decides
/// whether it is true.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    at_us: i64,
    actor: String,
    action: String,
    object: String,
    request_id: Option<String>,
    detail: String,
}

/// What was to be recorded is no entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A field says nothing.
    #[error("the {0} of an audit entry is empty")]
    Empty(&'static str),
    /// A field is too long.
    #[error("the {field} of an audit entry is longer than {bytes_max} bytes")]
    Long {
        /// Which.
        field: &'static str,
        /// How long it may be.
        bytes_max: usize,
    },
    /// The detail is no JSON.
    #[error("the detail of an audit entry is not JSON")]
    Detail,
}

impl Entry {
    /// An entry. `detail` is JSON text and is kept byte for byte.
    ///
    /// # Errors
    /// [`EntryError`] when actor, action or object are empty, when a field is longer than its bound, and when the detail is
    /// not JSON.
    pub fn new(
        at: Timestamp,
        actor: &str,
        action: &str,
        object: &str,
        request_id: Option<&str>,
        detail: &str,
    ) -> Result<Self, EntryError> {
        named("actor", actor, ACTOR_BYTES_MAX)?;
        named("action", action, ACTION_BYTES_MAX)?;
        named("object", object, OBJECT_BYTES_MAX)?;
        bounded("request id", request_id.unwrap_or_default(), REQUEST_ID_BYTES_MAX)?;
        bounded("detail", detail, DETAIL_BYTES_MAX)?;
        serde_json::from_str::<serde::de::IgnoredAny>(detail).map_err(|_| EntryError::Detail)?;
        let at_us = at.as_microsecond();
        Ok(Self::recorded(at_us, actor, action, object, request_id, detail))
    }

    /// An entry as storage has it.
    #[must_use]
    pub fn recorded(
        at_us: i64,
        actor: &str,
        action: &str,
        object: &str,
        request_id: Option<&str>,
        detail: &str,
    ) -> Self {
        Self {
            at_us,
            actor: actor.to_owned(),
            action: action.to_owned(),
            object: object.to_owned(),
            request_id: request_id.map(str::to_owned),
            detail: detail.to_owned(),
        }
    }

    /// When it was done, in microseconds since 1970.
    #[must_use]
    pub const fn at_us(&self) -> i64 {
        self.at_us
    }

    /// Who did it: `provider:bridge`, `key:ops-1`, `operator:ana`, `worker:apply`.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// What was done: `webhooks.receive`, `webhooks.replay`.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// To what.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// In which request, when it was one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// More of it, as JSON text. Never a secret, never a body.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

fn named(field: &'static str, text: &str, bytes_max: usize) -> Result<(), EntryError> {
    if text.is_empty() {
        return Err(EntryError::Empty(field));
    }
    bounded(field, text, bytes_max)
}

fn bounded(field: &'static str, text: &str, bytes_max: usize) -> Result<(), EntryError> {
    if text.len() > bytes_max {
        return Err(EntryError::Long { field, bytes_max });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(
        actor: &str,
        action: &str,
        object: &str,
        request_id: Option<&str>,
        detail: &str,
    ) -> Option<EntryError> {
        Entry::new(Timestamp::UNIX_EPOCH, actor, action, object, request_id, detail).err()
    }

    #[test]
    fn an_entry_says_who_what_and_to_what() {
        assert_eq!(check("a", "b", "c", None, "{}"), None);
        assert_eq!(check("", "b", "c", None, "{}"), Some(EntryError::Empty("actor")));
        assert_eq!(check("a", "", "c", None, "{}"), Some(EntryError::Empty("action")));
        assert_eq!(check("a", "b", "", None, "{}"), Some(EntryError::Empty("object")));
    }

    #[test]
    fn a_field_ends_at_its_bound() {
        let long = |field, bytes_max| Some(EntryError::Long { field, bytes_max });
        assert_eq!(check(&"a".repeat(256), "b", "c", Some(&"r".repeat(128)), "{}"), None);
        assert_eq!(check(&"a".repeat(257), "b", "c", None, "{}"), long("actor", 256));
        assert_eq!(check("a", "b", "c", Some(&"r".repeat(129)), "{}"), long("request id", 128));
        let detail = format!("\"{}\"", "d".repeat(DETAIL_BYTES_MAX - 1));
        assert_eq!(check("a", "b", "c", None, &detail), long("detail", DETAIL_BYTES_MAX));
    }

    #[test]
    fn a_detail_is_json() {
        for detail in ["", "{", "{} {}", "nothing"] {
            assert_eq!(check("a", "b", "c", None, detail), Some(EntryError::Detail), "{detail}");
        }
    }
}
