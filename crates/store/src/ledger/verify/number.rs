//! Numbers in the details of audit entries.

use serde_json::Value as Json;

/// A number, or an id, which is a number as text.
pub(in crate::ledger) fn number(json: &Json) -> Option<i64> {
    json.as_i64().or_else(|| json.as_str()?.parse().ok())
}
