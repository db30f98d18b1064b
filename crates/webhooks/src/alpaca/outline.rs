//! What the receiver must know of an event: its kind, its id, its object.

use serde::Deserialize;

use super::kind::Kind;
use crate::channel::Channel;
use crate::content::{self, Field, UNKNOWN};
use crate::delivery::Outline;
use crate::rejection::Rejection;

/// The fields that tell kinds, ids and objects apart.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Sketch<'a> {
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
struct OrderSketch<'a> {
    #[serde(borrow)]
    symbol: Field<'a>,
}

/// Reads the outline of a body that was received as `kind`; `id` is what the stream says beside it.
pub(super) fn outline(kind: Kind, id: Option<&str>, body: &[u8]) -> Result<Outline, Rejection> {
    let sketch: Sketch<'_> = content::fields(body)?;
    match sketch.kind() {
        Some(found) if found == kind => Ok(sketch.of_kind(kind, id, body)),
        // The path is not signed: a body signed for one must not be read as another.
        Some(_) => Err(Rejection::malformed("body", "it is an event of another kind than the path says")),
        None => Ok(unknown(kind, id, body)),
    }
}

/// A body of no known shape is kept under its digest.
fn unknown(kind: Kind, id: Option<&str>, body: &[u8]) -> Outline {
    let channel = Channel::Alpaca(kind);
    let of_stream = id.filter(|id| content::is_plain(id)).map(|id| format!("{channel}/{id}").into());
    let dedupe_key: Box<str> = of_stream.unwrap_or_else(|| content::digest_key(channel, body));
    Outline {
        object: dedupe_key.clone(),
        dedupe_key,
        content_key: None,
        event_type: UNKNOWN.into(),
        occurred_at: None,
    }
}

impl Sketch<'_> {
    /// By the fields that only events of that kind have.
    fn kind(&self) -> Option<Kind> {
        if self.activity_type.is_there() && self.details.is_there() {
            Some(Kind::Activity)
        } else if self.order.is_there() && self.event.is_there() {
            Some(Kind::Trade)
        } else if self.entry_type.is_there() && self.net_amount.is_there() {
            Some(Kind::Nta)
        } else if self.journal_id.is_there() {
            Some(Kind::Journal)
        } else if self.transfer_id.is_there() || self.entity_type.is_there() {
            Some(Kind::Transfer)
        } else if self.account_number.is_there() && self.names_status() {
            Some(Kind::Account)
        } else {
            None
        }
    }

    fn names_status(&self) -> bool {
        self.status_to.is_there() || self.status.is_there() || self.crypto_status_to.is_there()
    }

    fn of_kind(&self, kind: Kind, id: Option<&str>, body: &[u8]) -> Outline {
        let channel = Channel::Alpaca(kind);
        let dedupe_key = self.dedupe_key(channel, id, body);
        Outline {
            object: self.object(kind).unwrap_or_else(|| dedupe_key.clone()),
            dedupe_key,
            content_key: None,
            event_type: self.event_type(kind),
            occurred_at: self.at.time().or_else(|| self.timestamp.time()),
        }
    }

    /// The newer id where there are two: a number may be unique within its stream only. An activity's `ref_id` stays
    /// the same when its status changes, so it is no id of the event.
    fn dedupe_key(&self, channel: Channel, id: Option<&str>, body: &[u8]) -> Box<str> {
        let of_body = self.event_ulid.plain().or_else(|| self.event_id.plain());
        let of_stream = || id.filter(|id| content::is_plain(id)).map(Box::from);
        match of_body.or_else(of_stream) {
            Some(id) => format!("{channel}/{id}").into(),
            None => content::digest_key(channel, body),
        }
    }

    fn event_type(&self, kind: Kind) -> Box<str> {
        let what = match kind {
            Kind::Trade => self.event,
            Kind::Nta => self.entry_type,
            Kind::Activity => self.activity_type,
            Kind::Account | Kind::Transfer | Kind::Journal => return format!("{kind}.status").into(),
        };
        format!("{kind}.{}", what.plain().as_deref().unwrap_or(UNKNOWN)).into()
    }

    fn object(&self, kind: Kind) -> Option<Box<str>> {
        let account = self.account_id.plain();
        match kind {
            Kind::Trade => {
                let symbol = self.order.fields::<OrderSketch<'_>>().symbol.text()?;
                let symbol = symbol.chars().filter(char::is_ascii_alphanumeric).take(32).collect::<String>();
                account.map(|account| format!("{account}/{symbol}").into())
            }
            Kind::Transfer => self.transfer_id.plain().or_else(|| self.entity_id.plain()),
            Kind::Journal => self.journal_id.plain(),
            Kind::Account | Kind::Nta | Kind::Activity => account,
        }
    }
}
