//! What the receiver must know of a notification: its type, its id, its resource.

use serde::Deserialize;

use super::CHANNEL;
use crate::delivery::Envelope;
use crate::encoding::sha256_hex;
use crate::json::{self, Field, UNKNOWN};
use crate::rejection::Rejection;

/// The type of the message by which Circle checks that an endpoint works.
pub(super) const TEST: &str = "webhooks.test";

/// Only what the receiver needs: a fault in any other field must not keep a signed delivery from being stored.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Fields<'a> {
    #[serde(borrow)]
    subscription_id: Field<'a>,
    notification_id: Field<'a>,
    notification_type: Field<'a>,
    notification: Field<'a>,
    timestamp: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceFields<'a> {
    #[serde(borrow)]
    id: Field<'a>,
}

pub(super) fn parse_envelope(body: &[u8]) -> Result<Envelope, Rejection> {
    let fields: Fields<'_> = json::fields(body)?;
    let dedupe_key = fields.dedupe_key(body);
    let resource: ResourceFields<'_> = fields.notification.fields();
    Ok(Envelope {
        resource: resource.id.plain().unwrap_or_else(|| dedupe_key.clone()),
        dedupe_key,
        content_key: None,
        event_type: fields.notification_type.plain().unwrap_or_else(|| UNKNOWN.into()),
        occurred_at: fields.timestamp.time(),
    })
}

impl Fields<'_> {
    /// Subscription, notification and type. Every test message has the same ids, so those also get the digest of the body:
    /// each test message is a delivery of its own.
    fn dedupe_key(&self, body: &[u8]) -> Box<str> {
        let ids = self
            .subscription_id
            .plain()
            .zip(self.notification_id.plain())
            .zip(self.notification_type.plain());
        match ids {
            Some(((subscription, notification), kind)) if &*kind == TEST => {
                format!("{CHANNEL}/{subscription}/{notification}/{kind}/{}", sha256_hex(body)).into()
            }
            Some(((subscription, notification), kind)) => {
                format!("{CHANNEL}/{subscription}/{notification}/{kind}").into()
            }
            None => json::digest_key(CHANNEL, body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_field_that_only_interpretation_needs_does_not_reject_the_delivery() {
        assert!(parse_envelope(br#"{"notificationId":"n1","transfer":1,"transfer":2}"#).is_ok());
    }
}
