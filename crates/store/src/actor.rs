//! The actor of a change.

use audit::Entry;
use jiff::Timestamp;
use serde_json::Value as Json;

use crate::error::Error;

/// The actor of a change, as recorded in the audit chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor<'a> {
    /// Name, such as `key:ops-1`, `operator:ana` or `worker:apply`.
    pub name: &'a str,
    /// Id of the HTTP request, if there was one.
    pub request_id: Option<&'a str>,
}

impl<'a> Actor<'a> {
    /// An actor without an HTTP request.
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
