//! Proofs of rows: who has the audit key wrote this event, this fact, this journal, or this transaction with its
//! entries.

use audit::{Key, ProofError};
use sha2::{Digest as _, Sha256};

use crate::database::{Row, Value, values};
use crate::error::Error;

/// The columns of an event that its proof covers, of `webhook_events e`: all that decide what is posted, with the hash of the
/// body instead of the body, which retention empties together with the headers.
pub(crate) const EVENT_COLUMNS: &str = "e.provider, e.channel, e.transport, e.event_type, e.resource, e.dedupe_key, \
    e.content_key, e.key_id, e.occurred_at, e.signed_at, e.received_at, e.body_sha256";

/// The columns of a journal that its proof covers: all.
pub(crate) const JOURNAL_COLUMNS: &str = "id, made_by, idempotency_key, request_sha256, content, state, reverses, review, \
    resolution, made_at, checked_by, decided_at, rejection";

/// A stored event is not what was received. Nothing of it is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// The body is not the one whose hash was stored with it.
    #[error("stored body was changed: its SHA-256 is not that of the delivery")]
    Body,
    /// Its columns are not those that were stored.
    #[error("stored event is not authentic: {0}")]
    Event(ProofError),
}

/// What a proved row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Kind {
    Event,
    Fact,
    Transaction,
    Journal,
    ApiKey,
}

/// Signs the columns of a new row.
pub(crate) fn prove(key: &Key, kind: Kind, columns: &[Value]) -> Vec<u8> {
    key.prove(kind.into(), &encoded(columns))
}

/// Checks the stored proof of a row.
pub(crate) fn check(
    key: &Key,
    kind: Kind,
    columns: &[Value],
    proof: Option<&[u8]>,
) -> Result<(), ProofError> {
    key.check_proof(kind.into(), &encoded(columns), proof)
}

/// Checks an event before its body is used: a row with [`EVENT_COLUMNS`], `body` and `proof`.
pub(crate) fn check_event(key: &Key, row: &Row) -> Result<Result<(), EvidenceError>, Error> {
    if let Err(error) = check(key, Kind::Event, &event_columns(row)?, row.optional_bytes("proof")?.as_deref())
    {
        return Ok(Err(EvidenceError::Event(error)));
    }
    let is_body = Sha256::digest(row.bytes("body")?)[..] == row.bytes("body_sha256")?[..];
    Ok(if is_body { Ok(()) } else { Err(EvidenceError::Body) })
}

/// The covered columns of a row with [`EVENT_COLUMNS`].
pub(crate) fn event_columns(row: &Row) -> Result<Vec<Value>, Error> {
    Ok(values![
        row.text("provider")?,
        row.text("channel")?,
        row.text("transport")?,
        row.text("event_type")?,
        row.text("resource")?,
        row.text("dedupe_key")?,
        row.optional_text("content_key")?,
        row.text("key_id")?,
        row.optional_int("occurred_at")?,
        row.optional_int("signed_at")?,
        row.int("received_at")?,
        row.bytes("body_sha256")?,
    ])
}

/// Checks a row with [`JOURNAL_COLUMNS`] and `proof`.
pub(crate) fn check_journal(key: &Key, row: &Row) -> Result<Result<(), ProofError>, Error> {
    Ok(check(key, Kind::Journal, &journal_columns(row)?, row.optional_bytes("proof")?.as_deref()))
}

/// The covered columns of a row with [`JOURNAL_COLUMNS`].
pub(crate) fn journal_columns(row: &Row) -> Result<Vec<Value>, Error> {
    Ok(values![
        row.int("id")?,
        row.text("made_by")?,
        row.text("idempotency_key")?,
        row.bytes("request_sha256")?,
        row.text("content")?,
        row.text("state")?,
        row.optional_int("reverses")?,
        row.optional_int("review")?,
        row.optional_text("resolution")?,
        row.int("made_at")?,
        row.optional_text("checked_by")?,
        row.optional_int("decided_at")?,
        row.optional_text("rejection")?,
    ])
}

fn encoded(columns: &[Value]) -> Vec<Option<Vec<u8>>> {
    let encode = |value: &Value| match value {
        Value::Int(number) => number.map(|number| number.to_be_bytes().to_vec()),
        Value::Text(text) => text.as_ref().map(|text| text.as_bytes().to_vec()),
        Value::Bytes(bytes) => bytes.clone(),
    };
    columns.iter().map(encode).collect()
}
