//! What the receiver must know of an event: its kind, its id, its resource.

use serde::Deserialize;

use super::kind::Kind;
use crate::channel::Channel;
use crate::delivery::Envelope;
use crate::json::{self, Field, UNKNOWN};
use crate::rejection::Rejection;

/// The fields that distinguish kinds, ids and objects.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow)]
    event: Field<'a>,
    event_id: Field<'a>,
    event_ulid: Field<'a>,
    at: Field<'a>,
    timestamp: Field<'a>,
    account_id: Field<'a>,
    account_number: Field<'a>,
    status_to: Field<'a>,
    status: Field<'a>,
    crypto_status_to: Field<'a>,
    transfer_id: Field<'a>,
    entity_type: Field<'a>,
    entity_id: Field<'a>,
    journal_id: Field<'a>,
    entry_type: Field<'a>,
    net_amount: Field<'a>,
    activity_type: Field<'a>,
    details: Field<'a>,
    order: Field<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OrderFields<'a> {
    #[serde(borrow)]
    symbol: Field<'a>,
}

/// Parses a body that was received as `kind`; `stream_id` is the id that the stream gave beside it.
pub(super) fn parse_envelope(
    kind: Kind,
    stream_id: Option<&str>,
    body: &[u8],
) -> Result<Envelope, Rejection> {
    let fields: Fields<'_> = json::fields(body)?;
    match fields.kind() {
        Some(found) if found == kind => Ok(fields.envelope(kind, stream_id, body)),
        // The path is not signed: a body signed for one must not be accepted as another.
        Some(_) => Err(Rejection::malformed("body", "it is an event of another kind than the path says")),
        None => Ok(unknown(kind, stream_id, body)),
    }
}

/// A body of no known shape is identified by its digest.
fn unknown(kind: Kind, stream_id: Option<&str>, body: &[u8]) -> Envelope {
    let channel = kind.channel();
    let id = stream_id.filter(|id| json::is_plain(id)).map(|id| format!("{channel}/{id}").into());
    let dedupe_key: Box<str> = id.unwrap_or_else(|| json::digest_key(channel, body));
    Envelope {
        resource: dedupe_key.clone(),
        dedupe_key,
        content_key: None,
        event_type: UNKNOWN.into(),
        occurred_at: None,
    }
}

impl Fields<'_> {
    /// By the fields that only events of that kind have.
    fn kind(&self) -> Option<Kind> {
        if self.activity_type.is_present() && self.details.is_present() {
            Some(Kind::Activity)
        } else if self.order.is_present() && self.event.is_present() {
            Some(Kind::Trade)
        } else if self.entry_type.is_present() && self.net_amount.is_present() {
            Some(Kind::Nta)
        } else if self.journal_id.is_present() {
            Some(Kind::Journal)
        } else if self.transfer_id.is_present() || self.entity_type.is_present() {
            Some(Kind::Transfer)
        } else if self.account_number.is_present() && self.has_status() {
            Some(Kind::Account)
        } else {
            None
        }
    }

    fn has_status(&self) -> bool {
        self.status_to.is_present() || self.status.is_present() || self.crypto_status_to.is_present()
    }

    fn envelope(&self, kind: Kind, stream_id: Option<&str>, body: &[u8]) -> Envelope {
        let channel = kind.channel();
        let dedupe_key = self.dedupe_key(channel, stream_id, body);
        Envelope {
            resource: self.resource(kind).unwrap_or_else(|| dedupe_key.clone()),
            dedupe_key,
            content_key: None,
            event_type: self.event_type(kind),
            occurred_at: self.at.time().or_else(|| self.timestamp.time()),
        }
    }

    /// The newer id where there are two: a number may be unique within its stream only. An activity's `ref_id` stays the same
    /// when its status changes, so it does not identify the event.
    fn dedupe_key(&self, channel: Channel, stream_id: Option<&str>, body: &[u8]) -> Box<str> {
        let body_id = self.event_ulid.plain().or_else(|| self.event_id.plain());
        let stream_id = || stream_id.filter(|id| json::is_plain(id)).map(Box::from);
        match body_id.or_else(stream_id) {
            Some(id) => format!("{channel}/{id}").into(),
            None => json::digest_key(channel, body),
        }
    }

    fn event_type(&self, kind: Kind) -> Box<str> {
        let field = match kind {
            Kind::Trade => self.event,
            Kind::Nta => self.entry_type,
            Kind::Activity => self.activity_type,
            Kind::Account | Kind::Transfer | Kind::Journal => return format!("{kind}.status").into(),
        };
        format!("{kind}.{}", field.plain().as_deref().unwrap_or(UNKNOWN)).into()
    }

    fn resource(&self, kind: Kind) -> Option<Box<str>> {
        let account = self.account_id.plain();
        match kind {
            Kind::Trade => {
                let symbol = self.order.fields::<OrderFields<'_>>().symbol.text()?;
                let symbol = symbol.chars().filter(char::is_ascii_alphanumeric).take(32).collect::<String>();
                account.map(|account| format!("{account}/{symbol}").into())
            }
            Kind::Transfer => self.transfer_id.plain().or_else(|| self.entity_id.plain()),
            Kind::Journal => self.journal_id.plain(),
            Kind::Account | Kind::Nta | Kind::Activity => account,
        }
    }
}
