//! What the receiver must know of an event: its type, its id, its resource.

use serde::Deserialize;

use super::CHANNEL;
use crate::delivery::Envelope;
use crate::json::{self, Field, UNKNOWN};
use crate::rejection::Rejection;

/// The fields of an event (apidocs.bridge.xyz/platform/additional-information/webhooks/structure).
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    event_id: Field<'a>,
    event_category: Field<'a>,
    event_type: Field<'a>,
    pub(super) event_object_id: Field<'a>,
    pub(super) event_object_status: Field<'a>,
    pub(super) event_object: Field<'a>,
    pub(super) event_created_at: Field<'a>,
}

pub(super) fn parse_envelope(body: &[u8]) -> Result<Envelope, Rejection> {
    let fields: Fields<'_> = json::fields(body)?;
    let id = fields.event_id.plain().map(|id| format!("{CHANNEL}/{id}").into());
    let dedupe_key: Box<str> = id.unwrap_or_else(|| json::digest_key(CHANNEL, body));
    Ok(Envelope {
        resource: fields.event_object_id.plain().unwrap_or_else(|| dedupe_key.clone()),
        dedupe_key,
        content_key: None,
        event_type: fields.full_type(),
        occurred_at: fields.event_created_at.time(),
    })
}

impl Fields<'_> {
    /// `transfer.created`: samples of Bridge's pages leave the category out of some types.
    pub(super) fn full_type(&self) -> Box<str> {
        match (self.event_category.plain(), self.event_type.plain()) {
            (Some(category), Some(event_type)) if event_type.starts_with(&format!("{category}.")) => {
                event_type
            }
            (Some(category), Some(event_type)) => format!("{category}.{event_type}").into(),
            (Some(category), None) => category,
            (None, Some(event_type)) => event_type,
            (None, None) => UNKNOWN.into(),
        }
    }
}
