//! Audit entries: who did what to what, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Longest actor, in bytes.
const ACTOR_BYTES_MAX: usize = 256;
/// Longest action, in bytes.
const ACTION_BYTES_MAX: usize = 128;
/// Longest object, in bytes.
const OBJECT_BYTES_MAX: usize = 512;
/// Longest request id, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 128;
/// Longest detail, in bytes: room for a batch of some thousand event ids with their hashes.
pub(crate) const DETAIL_BYTES_MAX: usize = 1024 * 1024;

/// One action. An entry read from storage is not checked: the chain decides whether it is authentic.
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

/// The entry is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// A required field is empty.
    #[error("{0} of an audit entry is empty")]
    Empty(&'static str),
    /// A field is too long.
    #[error("{field} of an audit entry is longer than {bytes_max} bytes")]
    TooLong {
        /// Name of the field.
        field: &'static str,
        /// Longest allowed, in bytes.
        bytes_max: usize,
    },
    /// The detail is not JSON.
    #[error("detail of an audit entry is not JSON")]
    Detail,
}

impl Entry {
    /// Checks a new entry. `detail` is JSON text and is stored byte for byte.
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
        required("actor", actor, ACTOR_BYTES_MAX)?;
        required("action", action, ACTION_BYTES_MAX)?;
        required("object", object, OBJECT_BYTES_MAX)?;
        bounded("request id", request_id.unwrap_or_default(), REQUEST_ID_BYTES_MAX)?;
        bounded("detail", detail, DETAIL_BYTES_MAX)?;
        serde_json::from_str::<serde::de::IgnoredAny>(detail).map_err(|_| EntryError::Detail)?;
        let at_us = at.as_microsecond();
        Ok(Self::from_stored(at_us, actor, action, object, request_id, detail))
    }

    /// An entry as it is stored, unchecked.
    #[must_use]
    pub fn from_stored(
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

    /// Time of the action, in microseconds since 1970.
    #[must_use]
    pub const fn at_us(&self) -> i64 {
        self.at_us
    }

    /// Who acted: `provider:bridge`, `key:ops-1`, `operator:ana`, `worker:apply`.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// What was done: `webhooks.receive`, `webhooks.replay`.
    #[must_use]
    pub fn action(&self) -> &str {
        &self.action
    }

    /// What the action was done to, such as `webhook_events/17`.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }

    /// Id of the request that caused it, if there was one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Details as JSON text. Never contains a secret or a request body.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

fn required(field: &'static str, text: &str, bytes_max: usize) -> Result<(), EntryError> {
    if text.is_empty() {
        return Err(EntryError::Empty(field));
    }
    bounded(field, text, bytes_max)
}

fn bounded(field: &'static str, text: &str, bytes_max: usize) -> Result<(), EntryError> {
    if text.len() > bytes_max {
        return Err(EntryError::TooLong { field, bytes_max });
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
    fn actor_action_and_object_are_required() {
        assert_eq!(check("a", "b", "c", None, "{}"), None);
        assert_eq!(check("", "b", "c", None, "{}"), Some(EntryError::Empty("actor")));
        assert_eq!(check("a", "", "c", None, "{}"), Some(EntryError::Empty("action")));
        assert_eq!(check("a", "b", "", None, "{}"), Some(EntryError::Empty("object")));
    }

    #[test]
    fn fields_have_maximum_lengths() {
        let long = |field, bytes_max| Some(EntryError::TooLong { field, bytes_max });
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
