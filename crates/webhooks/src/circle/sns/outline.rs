//! What the receiver must know of a notification: its type, its ids, its object.

use serde::Deserialize;

use super::envelope::Envelope;
use crate::channel::Channel;
use crate::content::{self, Field, UNKNOWN};
use crate::delivery::Outline;
use crate::digest::sha256_hex;

/// The inner message: the resource stands under a name of its own for each type.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Sketch<'a> {
    #[serde(borrow)]
    notification_type: Field<'a>,
    transfer: Field<'a>,
    payment: Field<'a>,
    payout: Field<'a>,
    deposit: Field<'a>,
    payment_intent: Field<'a>,
    address_book_recipient: Field<'a>,
    wire: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceSketch<'a> {
    #[serde(borrow)]
    id: Field<'a>,
}

/// The key is SNS's id. Two regions publish each event under two ids, so the digest of what is told is a second key.
pub(super) fn outline(envelope: &Envelope) -> Outline {
    let channel = Channel::CircleSns;
    let dedupe_key: Box<str> = format!("{channel}/{}", envelope.message_id).into();
    let content_key = format!("{channel}/sha256:{}", sha256_hex(envelope.message.as_bytes()));
    let sketch: Sketch<'_> = content::fields(envelope.message.as_bytes()).unwrap_or_default();
    Outline {
        object: sketch.object().unwrap_or_else(|| dedupe_key.clone()),
        dedupe_key,
        content_key: Some(content_key.into()),
        event_type: sketch.notification_type.plain().unwrap_or_else(|| UNKNOWN.into()),
        occurred_at: Some(envelope.timestamp),
    }
}

impl Sketch<'_> {
    fn object(&self) -> Option<Box<str>> {
        let resources = [
            self.transfer,
            self.payment,
            self.payout,
            self.deposit,
            self.payment_intent,
            self.address_book_recipient,
            self.wire,
        ];
        let resource = resources.into_iter().find(|resource| resource.is_there())?;
        resource.fields::<ResourceSketch<'_>>().id.plain()
    }
}
