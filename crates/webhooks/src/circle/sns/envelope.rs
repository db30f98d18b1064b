//! What the receiver must know of a notification: its type, its ids, its resource.

use serde::Deserialize;

use super::CHANNEL;
use super::message::UnverifiedMessage;
use crate::delivery::Envelope;
use crate::encoding::sha256_hex;
use crate::json::{self, Field, UNKNOWN};

/// The inner message: each type has its resource in another field.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Fields<'a> {
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
struct ResourceFields<'a> {
    #[serde(borrow)]
    id: Field<'a>,
}

/// The key is SNS's id. Two regions publish each event under two ids, so the digest of the inner message is a second key.
pub(super) fn envelope(message: &UnverifiedMessage) -> Envelope {
    let dedupe_key: Box<str> = format!("{CHANNEL}/{}", message.message_id).into();
    let content_key = format!("{CHANNEL}/sha256:{}", sha256_hex(message.message.as_bytes()));
    let fields: Fields<'_> = json::fields(message.message.as_bytes()).unwrap_or_default();
    Envelope {
        resource: fields.resource().unwrap_or_else(|| dedupe_key.clone()),
        dedupe_key,
        content_key: Some(content_key.into()),
        event_type: fields.notification_type.plain().unwrap_or_else(|| UNKNOWN.into()),
        occurred_at: Some(message.timestamp),
    }
}

impl Fields<'_> {
    fn resource(&self) -> Option<Box<str>> {
        let resources = [
            self.transfer,
            self.payment,
            self.payout,
            self.deposit,
            self.payment_intent,
            self.address_book_recipient,
            self.wire,
        ];
        let resource = resources.into_iter().find(|resource| resource.is_present())?;
        resource.fields::<ResourceFields<'_>>().id.plain()
    }
}
