//! The audit chain as it is continued: the entry and the new head are written by the transaction that does what they say.

use audit::{Entry, Head, Key, KeyId, Sealed, WrittenHead};

use crate::database::{Backend, Row, Transaction, values};
use crate::error::Error;

/// The question for the head; what it gives is what [`append_to`] goes on from.
macro_rules! head_sql {
    () => {
        "SELECT sequence, hash, key_id, seal FROM audit_head WHERE id = 1"
    };
}
pub(crate) use head_sql;

const HEAD: &str = head_sql!();
const HEAD_LOCKED: &str = concat!(head_sql!(), " FOR UPDATE");

/// Continues the chain. It is the last that a transaction does before it commits: from here on no other writer passes.
pub(crate) async fn append(tx: &mut Transaction<'_>, key: &Key, entry: Entry) -> Result<(), Error> {
    let sql = tx.backend().pick(HEAD, HEAD_LOCKED);
    let row = tx.row(sql, values![]).await?.ok_or(Error::NoHead)?;
    append_to(tx, key, &row, entry).await
}

/// The same, after the row of the head that the transaction has read: SQLite's only writer needs no lock on it.
pub(crate) async fn append_to(
    tx: &mut Transaction<'_>,
    key: &Key,
    head: &Row,
    entry: Entry,
) -> Result<(), Error> {
    let head = written(head)?.open(key).map_err(Error::Chain)?;
    let (sealed, head) = audit::chain(key, &head, entry);
    write(tx, &sealed, &head).await
}

/// Begins the chain when there is none, and otherwise checks that its head is ours.
pub(crate) async fn begin(tx: &mut Transaction<'_>, key: &Key) -> Result<(), Error> {
    if let Some(head) = head(tx).await? {
        return head.open(key).map(drop).map_err(Error::Chain);
    }
    // A chain begins with an empty database: one that was removed with its head is missed by what was written with it.
    for sql in ["SELECT sequence FROM audit_entries LIMIT 1", "SELECT id FROM webhook_events LIMIT 1"] {
        if tx.row(sql, values![]).await?.is_some() {
            return Err(Error::NoHead);
        }
    }
    let WrittenHead { sequence, hash, key, seal } = Head::start(key).written();
    // Two processes may begin at once; both mean the same head.
    let sql = "INSERT INTO audit_head (id, sequence, hash, key_id, seal) VALUES (1, $1, $2, $3, $4) ON CONFLICT DO NOTHING";
    tx.execute(sql, values![number(sequence)?, *hash.as_bytes(), key.to_string(), *seal.as_bytes()]).await?;
    Ok(())
}

/// The head as it is written, not yet checked.
pub(crate) async fn head(tx: &mut Transaction<'_>) -> Result<Option<WrittenHead>, Error> {
    tx.row(HEAD, values![]).await?.map(|row| written(&row)).transpose()
}

// Both databases do the two in one journey, SQLite as two statements, Postgres as one. The number that is replaced makes a
// fork impossible even where a lock failed to.
const WRITE: &str = "INSERT INTO audit_entries \
    (sequence, at_us, actor, action, object, request_id, detail, previous, key_id, hash) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10); \
    UPDATE audit_head SET sequence = $1, hash = $10, key_id = $9, seal = $11 WHERE id = 1 AND sequence = $1 - 1";
const WRITE_AS_ONE: &str = "WITH entry AS (INSERT INTO audit_entries \
    (sequence, at_us, actor, action, object, request_id, detail, previous, key_id, hash) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)) \
    UPDATE audit_head SET sequence = $1, hash = $10, key_id = $9, seal = $11 WHERE id = 1 AND sequence = $1 - 1";

async fn write(tx: &mut Transaction<'_>, sealed: &Sealed, head: &Head) -> Result<(), Error> {
    let Sealed { sequence, entry, previous, key, hash } = sealed;
    // SQLite counts the rows of both statements.
    let (sql, rows) = match tx.backend() {
        Backend::Sqlite => (WRITE, 2),
        Backend::Postgres => (WRITE_AS_ONE, 1),
    };
    let values = values![
        number(*sequence)?,
        entry.at_us(),
        entry.actor(),
        entry.action(),
        entry.object(),
        entry.request_id(),
        entry.detail(),
        *previous.as_bytes(),
        key.to_string(),
        *hash.as_bytes(),
        *head.written().seal.as_bytes(),
    ];
    if tx.execute(sql, values).await? == rows { Ok(()) } else { Err(Error::NoHead) }
}

/// An entry as it is written, not yet checked.
pub(crate) fn sealed(row: &Row) -> Result<Sealed, Error> {
    let request_id = row.maybe_text("request_id")?;
    let entry = Entry::recorded(
        row.int("at_us")?,
        &row.text("actor")?,
        &row.text("action")?,
        &row.text("object")?,
        request_id.as_deref(),
        &row.text("detail")?,
    );
    Ok(Sealed {
        sequence: unsigned(row, "sequence")?,
        entry,
        previous: hash(row, "previous")?,
        key: row.parsed::<KeyId>("key_id")?,
        hash: hash(row, "hash")?,
    })
}

fn written(row: &Row) -> Result<WrittenHead, Error> {
    Ok(WrittenHead {
        sequence: unsigned(row, "sequence")?,
        hash: hash(row, "hash")?,
        key: row.parsed("key_id")?,
        seal: hash(row, "seal")?,
    })
}

fn hash(row: &Row, column: &str) -> Result<audit::Hash, Error> {
    let bytes = row.bytes(column)?.try_into().map_err(|_| Error::unreadable(column))?;
    Ok(audit::Hash::from_bytes(bytes))
}

fn unsigned(row: &Row, column: &str) -> Result<u64, Error> {
    row.int(column)?.try_into().map_err(|_| Error::unreadable(column))
}

fn number(sequence: u64) -> Result<i64, Error> {
    sequence.try_into().map_err(|_| Error::unreadable("sequence"))
}
