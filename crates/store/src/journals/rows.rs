//! The rows of journals.

use audit::Key;
use domain::Journal;
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{JournalError, JournalRecord, JournalState, Maker};
use crate::database::{Row, Statement, Transaction, sql};
use crate::error::Error;
use crate::ids::{JournalId, ReviewId};
use crate::proof::{self, Kind};

const SELECT: &str = "SELECT j.*, (SELECT r.id FROM journals r WHERE r.reverses = j.id AND r.state <> 'rejected') \
    AS reversed_by FROM journals j WHERE TRUE";
const LOCK: &str = "SELECT id FROM journals WHERE id = $1 FOR UPDATE";
const INSERT: &str = "INSERT INTO journals (made_by, idempotency_key, request_sha256, content, state, reverses, review, \
    resolution, made_at) VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id";
const BY_KEY: &str = "SELECT id, request_sha256 FROM journals WHERE made_by = $1 AND idempotency_key = $2";
const REVERSAL: &str = "SELECT id FROM journals WHERE reverses = $1 AND state <> 'rejected'";
const OF_REVIEW: &str = "SELECT id FROM journals WHERE review = $1 AND state = 'pending'";
const DECIDE: &str =
    "UPDATE journals SET state = $2, checked_by = $3, rejection = $4, decided_at = $5 WHERE id = $1";

/// A journal to make.
pub(super) struct Request<'a> {
    pub(super) journal: Journal,
    pub(super) reverses: Option<JournalId>,
    /// The review to resolve, and why.
    pub(super) review: Option<(ReviewId, &'a str)>,
}

impl Request<'_> {
    pub(super) fn new(journal: &Journal) -> Self {
        Self { journal: journal.clone(), reverses: None, review: None }
    }

    /// A repeated request has the same digest, however its JSON is spaced.
    pub(super) fn digest(&self) -> Result<[u8; 32], Error> {
        let Self { journal, reverses, review } = self;
        let text = json!({ "journal": journal, "reverses": reverses, "review": review }).to_string();
        Ok(Sha256::digest(text).into())
    }
}

/// Inserts a pending journal; `None` if its key is used, what it reverses is reversed, or another one is pending that resolves
/// its review.
pub(super) async fn insert(
    tx: &mut Transaction<'_>,
    request: &Request<'_>,
    maker: Maker<'_>,
    now: Timestamp,
    key: &Key,
) -> Result<Option<JournalId>, Error> {
    let content = serde_json::to_string(&request.journal).map_err(Error::encode)?;
    let (review, resolution) = request.review.unzip();
    let insert = sql!(
        INSERT,
        maker.actor.name,
        maker.idempotency_key,
        request.digest()?,
        content,
        request.reverses.map(JournalId::get),
        review.map(ReviewId::get),
        resolution,
        now,
    );
    let Some(row) = tx.fetch_optional(insert).await? else { return Ok(None) };
    let id = JournalId::new(row.int("id")?);
    prove(tx, id, key).await?;
    Ok(Some(id))
}

/// Proves the row as it is in this transaction.
async fn prove(tx: &mut Transaction<'_>, id: JournalId, key: &Key) -> Result<(), Error> {
    let row = tx.fetch_optional(select_one(id)).await?.ok_or(sqlx::Error::RowNotFound)?;
    let proof = proof::prove(key, Kind::Journal, &proof::journal_columns(&row)?);
    tx.execute(sql!("UPDATE journals SET proof = $2 WHERE id = $1", id.get(), proof)).await.map(drop)
}

/// The journal of a row, if it is as it was made and decided.
pub(super) fn proved(row: &Row, key: &Key) -> Result<JournalRecord, JournalError> {
    let record = record(row)?;
    match proof::check_journal(key, row)? {
        Ok(()) => Ok(record),
        Err(fault) => Err(JournalError::Altered { id: record.id, fault }),
    }
}

/// The journal that a request made before.
pub(super) async fn existing(
    tx: &mut Transaction<'_>,
    request: &Request<'_>,
    maker: Maker<'_>,
) -> Result<JournalRecord, JournalError> {
    if let Some(row) = tx.fetch_optional(sql!(BY_KEY, maker.actor.name, maker.idempotency_key)).await? {
        if row.bytes("request_sha256")? != request.digest()? {
            return Err(JournalError::KeyReused);
        }
        return Ok(find(tx, JournalId::new(row.int("id")?)).await?);
    }
    if let Some((review, _)) = request.review
        && let Some(pending) = of_review(tx, review).await?
    {
        return Err(JournalError::ReviewPending(pending));
    }
    let reversal = tx.fetch_optional(sql!(REVERSAL, request.reverses.map(JournalId::get))).await?;
    let id = reversal.ok_or_else(|| Error::decode("reverses"))?.int("id")?;
    Err(JournalError::AlreadyReversed(JournalId::new(id)))
}

async fn of_review(tx: &mut Transaction<'_>, review: ReviewId) -> Result<Option<JournalId>, Error> {
    let row = tx.fetch_optional(select_of_review(review)).await?;
    row.map(|row| Ok(JournalId::new(row.int("id")?))).transpose()
}

/// The pending journal that resolves a review.
pub(crate) fn select_of_review(review: ReviewId) -> Statement {
    sql!(OF_REVIEW, review.get())
}

/// The journal, whose row is locked until the transaction ends.
pub(super) async fn lock(
    tx: &mut Transaction<'_>,
    id: JournalId,
    key: &Key,
) -> Result<JournalRecord, JournalError> {
    let lock = tx.backend().pick("SELECT id FROM journals WHERE id = $1", LOCK);
    tx.fetch_optional(sql!(lock, id.get())).await?.ok_or(JournalError::NotFound)?;
    let row = tx.fetch_optional(select_one(id)).await?.ok_or(JournalError::NotFound)?;
    proved(&row, key)
}

pub(super) async fn find(tx: &mut Transaction<'_>, id: JournalId) -> Result<JournalRecord, Error> {
    let row = tx.fetch_optional(select_one(id)).await?;
    record(&row.ok_or(sqlx::Error::RowNotFound)?)
}

pub(super) fn select_one(id: JournalId) -> Statement {
    sql!(SELECT).push_sql(" AND j.id = ").push_value(id.get())
}

pub(super) fn select(state: Option<JournalState>, before: Option<JournalId>, rows: u32) -> Statement {
    sql!(SELECT)
        .push_optional(" AND j.state = ", state.map(<&str>::from))
        .push_optional(" AND j.id < ", before.map(JournalId::get))
        .push_sql(" ORDER BY j.id DESC LIMIT ")
        .push_value(rows)
}

/// Records the decision on a journal: who checked it, and why it was rejected.
pub(super) async fn decide(
    tx: &mut Transaction<'_>,
    record: &JournalRecord,
    state: JournalState,
    (checked_by, rejection): (Option<&str>, Option<&str>),
    (now, key): (Timestamp, &Key),
) -> Result<(), Error> {
    let state: &str = state.into();
    tx.execute(sql!(DECIDE, record.id.get(), state, checked_by, rejection, now)).await?;
    prove(tx, record.id, key).await
}

/// Why the review of a journal is resolved.
pub(super) async fn resolution(tx: &mut Transaction<'_>, id: JournalId) -> Result<String, Error> {
    let row = tx.fetch_optional(sql!("SELECT resolution FROM journals WHERE id = $1", id.get())).await?;
    row.ok_or(sqlx::Error::RowNotFound)?.text("resolution")
}

pub(super) fn record(row: &Row) -> Result<JournalRecord, Error> {
    let id = |column| Ok::<_, Error>(row.optional_int(column)?.map(JournalId::new));
    Ok(JournalRecord {
        id: JournalId::new(row.int("id")?),
        state: row.parsed("state")?,
        journal: serde_json::from_str(&row.text("content")?).map_err(|_| Error::decode("content"))?,
        reverses: id("reverses")?,
        reversed_by: id("reversed_by")?,
        review: row.optional_int("review")?.map(ReviewId::new),
        made_by: row.text("made_by")?,
        made_at: row.time("made_at")?,
        checked_by: row.optional_text("checked_by")?,
        decided_at: row.optional_time("decided_at")?,
        rejection: row.optional_text("rejection")?,
    })
}
