//! What the receiver must know of a notification: its type, its id, its object.

use serde::Deserialize;

use crate::channel::Channel;
use crate::content::{self, Field, UNKNOWN};
use crate::delivery::Outline;
use crate::digest::sha256_hex;
use crate::rejection::Rejection;

/// What Circle sends to see whether an endpoint answers.
pub(crate) const TEST: &str = "webhooks.test";

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Sketch<'a> {
    #[serde(borrow)]
    subscription_id: Field<'a>,
    notification_id: Field<'a>,
    notification_type: Field<'a>,
    notification: Field<'a>,
    timestamp: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceSketch<'a> {
    #[serde(borrow)]
    id: Field<'a>,
}

pub(super) fn outline(body: &[u8]) -> Result<Outline, Rejection> {
    let sketch: Sketch<'_> = content::fields(body)?;
    let dedupe_key = sketch.dedupe_key(body);
    let resource: ResourceSketch<'_> = sketch.notification.fields();
    Ok(Outline {
        object: resource.id.plain().unwrap_or_else(|| dedupe_key.clone()),
        dedupe_key,
        content_key: None,
        event_type: sketch.notification_type.plain().unwrap_or_else(|| UNKNOWN.into()),
        occurred_at: sketch.timestamp.time(),
    })
}

impl Sketch<'_> {
    /// Subscription, notification and type. Every test ping has the same ids, so for those the digest of the body
    /// stands beside them: each ping is a delivery of its own.
    fn dedupe_key(&self, body: &[u8]) -> Box<str> {
        let channel = Channel::CircleDirect;
        let ids = self
            .subscription_id
            .plain()
            .zip(self.notification_id.plain())
            .zip(self.notification_type.plain());
        match ids {
            Some(((subscription, notification), kind)) if &*kind == TEST => {
                format!("{channel}/{subscription}/{notification}/{kind}/{}", sha256_hex(body)).into()
            }
            Some(((subscription, notification), kind)) => {
                format!("{channel}/{subscription}/{notification}/{kind}").into()
            }
            None => content::digest_key(channel, body),
        }
    }
}
