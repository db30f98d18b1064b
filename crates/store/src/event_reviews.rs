//! Reviews of events: what an event says must be posted by a person, or a person must make it possible to apply it.

use jiff::Timestamp;
use webhooks::Unhandled;

use crate::database::{Transaction, sql, values};
use crate::error::Error;

/// The subject of an event is this and its id.
pub(crate) const PREFIX: &str = "event/";

const OPEN: &str = "INSERT INTO reviews (subject, kind, about, at, opened_at) VALUES ";
/// A replay does not ask a person again, but a job that fails for the last time again does.
const OPEN_END: &str = " ON CONFLICT (subject, kind, about) DO UPDATE SET at = excluded.at, \
    opened_at = CASE WHEN reviews.resolved_at IS NULL THEN reviews.opened_at ELSE excluded.opened_at END, \
    resolved_at = NULL, resolved_by = NULL \
    WHERE reviews.resolved_by IS NULL OR reviews.kind = 'dead_letter'";
const CLOSE: &str =
    "UPDATE reviews SET resolved_at = $1 WHERE resolved_at IS NULL AND journal IS NULL AND subject IN";
const REOPEN: &str = "UPDATE reviews SET resolved_at = NULL, resolved_by = NULL, opened_at = $1 \
    WHERE resolved_at IS NOT NULL AND journal IS NOT NULL AND subject IN";

/// The kind of the review of an unhandled event; `None` if nobody has to look at it.
pub(crate) const fn event_kind(unhandled: &Unhandled) -> Option<&'static str> {
    match unhandled {
        Unhandled::NoEffect(_) | Unhandled::OtherCustomer(_) => None,
        Unhandled::UnknownType
        | Unhandled::ByHand(_)
        | Unhandled::UnknownStatus(_)
        | Unhandled::Unreadable { .. }
        | Unhandled::Currency
        | Unhandled::Token(_)
        | Unhandled::Symbol => Some(unhandled.reason()),
    }
}

/// Opens a review of each event, by kind and id.
pub(crate) async fn open_events(
    tx: &mut Transaction<'_>,
    events: impl IntoIterator<Item = (&'static str, i64)>,
    now: Timestamp,
) -> Result<(), Error> {
    let row =
        |(kind, event): (&str, i64)| values![format!("{PREFIX}{event}"), kind, event.to_string(), now, now];
    // Two copies of a row in one statement are an error, and a fixed order cannot deadlock.
    let events: std::collections::BTreeSet<_> = events.into_iter().collect();
    tx.insert_rows(OPEN, events.into_iter().map(row).collect(), OPEN_END).await.map(drop)
}

/// Resolves the reviews of events that are applied now. What a journal posted already counts twice now: those open again.
pub(crate) async fn close_events(
    tx: &mut Transaction<'_>,
    events: impl IntoIterator<Item = i64>,
    now: Timestamp,
) -> Result<(), Error> {
    let subjects: Vec<String> = events.into_iter().map(|event| format!("{PREFIX}{event}")).collect();
    tx.fetch_in(sql!(CLOSE, now), &subjects, "").await?;
    tx.fetch_in(sql!(REOPEN, now), &subjects, "").await.map(drop)
}
