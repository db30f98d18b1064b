//! What the receiver must know of an event: its type, its id, its object.

use serde::Deserialize;

use crate::channel::Channel;
use crate::content::{self, Field, UNKNOWN};
use crate::delivery::Outline;
use crate::rejection::Rejection;

/// The envelope (apidocs.bridge.xyz/platform/additional-information/webhooks/structure).
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sketch<'a> {
    #[serde(borrow)]
    event_id: Field<'a>,
    event_category: Field<'a>,
    event_type: Field<'a>,
    event_object_id: Field<'a>,
    event_created_at: Field<'a>,
}

pub(super) fn outline(body: &[u8]) -> Result<Outline, Rejection> {
    let sketch: Sketch<'_> = content::fields(body)?;
    let id = sketch.event_id.plain().map(|id| format!("{}/{id}", Channel::Bridge).into());
    let dedupe_key: Box<str> = id.unwrap_or_else(|| content::digest_key(Channel::Bridge, body));
    Ok(Outline {
        object: sketch.event_object_id.plain().unwrap_or_else(|| dedupe_key.clone()),
        dedupe_key,
        content_key: None,
        event_type: full_type(sketch.event_category.plain(), sketch.event_type.plain()),
        occurred_at: sketch.event_created_at.time(),
    })
}

/// `transfer.created`: samples of Bridge's pages leave the category out of some types.
pub(crate) fn full_type(category: Option<Box<str>>, event_type: Option<Box<str>>) -> Box<str> {
    match (category, event_type) {
        (Some(category), Some(event_type)) if event_type.starts_with(&format!("{category}.")) => event_type,
        (Some(category), Some(event_type)) => format!("{category}.{event_type}").into(),
        (Some(category), None) => category,
        (None, Some(event_type)) => event_type,
        (None, None) => UNKNOWN.into(),
    }
}
