//! What the receiver must know of an event: its type, its id, its resource.

use serde::Deserialize;

use super::CHANNEL;
use crate::delivery::Envelope;
use crate::json::{self, Field, UNKNOWN};
use crate::rejection::Rejection;

/// The fields of an event that the receiver needs (apidocs.bridge.xyz/platform/additional-information/webhooks/structure).
/// Only these: a fault in any other field must not keep a signed delivery from being stored.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    event_id: Field<'a>,
    event_category: Field<'a>,
    event_type: Field<'a>,
    event_object_id: Field<'a>,
    event_created_at: Field<'a>,
}

pub(super) fn parse_envelope(body: &[u8]) -> Result<Envelope, Rejection> {
    let fields: Fields<'_> = json::fields(body)?;
    let id = fields.event_id.plain().map(|id| format!("{CHANNEL}/{id}").into());
    let dedupe_key: Box<str> = id.unwrap_or_else(|| json::digest_key(CHANNEL, body));
    Ok(Envelope {
        resource: fields.event_object_id.plain().unwrap_or_else(|| dedupe_key.clone()),
        dedupe_key,
        content_key: None,
        event_type: full_type(fields.event_category, fields.event_type),
        occurred_at: fields.event_created_at.time(),
    })
}

/// `transfer.created`: samples of Bridge's pages leave the category out of some types.
pub(super) fn full_type(category: Field<'_>, event_type: Field<'_>) -> Box<str> {
    match (category.plain(), event_type.plain()) {
        (Some(category), Some(event_type)) if event_type.starts_with(&format!("{category}.")) => event_type,
        (Some(category), Some(event_type)) => format!("{category}.{event_type}").into(),
        (Some(category), None) => category,
        (None, Some(event_type)) => event_type,
        (None, None) => UNKNOWN.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_field_that_only_interpretation_needs_does_not_reject_the_delivery() {
        assert!(parse_envelope(br#"{"event_id":"wh_1","event_object":1,"event_object":2}"#).is_ok());
    }
}
