//! Who asked for a change.

use audit::Entry;
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::error::Error;

/// Who asked for a change, as the audit chain names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor<'a> {
    /// `key:ops-1`, `operator:ana`, `worker:apply`.
    pub name: &'a str,
    /// The HTTP request that asked, if one did.
    pub request_id: Option<&'a str>,
}

impl<'a> Actor<'a> {
    /// An actor outside of any request.
    #[must_use]
    pub const fn named(name: &'a str) -> Self {
        Self { name, request_id: None }
    }

    pub(crate) fn entry(
        self,
        action: &str,
        object: &str,
        detail: &Json,
        now: Timestamp,
    ) -> Result<Entry, Error> {
        Ok(Entry::new(now, self.name, action, object, self.request_id, &detail.to_string())?)
    }
}
