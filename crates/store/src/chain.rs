//! Appends to the audit chain: the transaction of an action also writes its entry and the new head.

use audit::{ChainError, Entry, Head, Key, KeyId, SealedEntry, StoredHead};

use crate::database::{Backend, Database, Row, Transaction, sql};
use crate::error::Error;
use crate::storage_fault::StorageFault;

/// Selects the head; [`append_after`] continues from its row.
macro_rules! head_sql {
    () => {
        "SELECT sequence, hash, key_id, seal FROM audit_head WHERE id = 1"
    };
}
pub(crate) use head_sql;

const HEAD: &str = head_sql!();
const HEAD_LOCKED: &str = concat!(head_sql!(), " FOR UPDATE");

/// As [`append`], unless the database lacks the newest entry that this process has committed: what was acknowledged with it is
/// lost. Then nothing is written, and the check of the storage decides. `head` is the row of the head, if it was already read.
pub(crate) async fn append_to(
    database: &Database,
    tx: &mut Transaction<'_>,
    key: &Key,
    head: Option<&Row>,
    entry: Entry,
) -> Result<StoredHead, Error> {
    let head = match head {
        Some(row) => stored_head(row)?,
        None => lock_head(tx).await?,
    };
    if let Some(committed) = database.committed().filter(|committed| *committed != head)
        && (committed.sequence >= head.sequence
            || !has_entry(tx, committed.sequence, committed.hash.as_bytes()).await?)
    {
        return Err(StorageFault::OlderCopy { sequence: committed.sequence }.into());
    }
    append_after(tx, key, head, entry).await
}

/// Whether the chain has this entry.
pub(crate) async fn has_entry(tx: &mut Transaction<'_>, sequence: u64, hash: &[u8]) -> Result<bool, Error> {
    let number = i64::try_from(sequence).map_err(Error::encode)?;
    let row = tx.fetch_optional(sql!("SELECT hash FROM audit_entries WHERE sequence = $1", number)).await?;
    Ok(row.map(|row| row.bytes("hash")).transpose()?.is_some_and(|found| found == hash))
}

/// Appends an entry, and returns the new head. Call it last before the commit, because all other writers wait from here on.
pub(crate) async fn append(tx: &mut Transaction<'_>, key: &Key, entry: Entry) -> Result<StoredHead, Error> {
    let head = lock_head(tx).await?;
    append_after(tx, key, head, entry).await
}

/// SQLite's only writer needs no lock.
async fn lock_head(tx: &mut Transaction<'_>) -> Result<StoredHead, Error> {
    let sql = tx.backend().pick(HEAD, HEAD_LOCKED);
    stored_head(&tx.fetch_optional(sql!(sql)).await?.ok_or(Error::NoHead)?)
}

async fn append_after(
    tx: &mut Transaction<'_>,
    key: &Key,
    head: StoredHead,
    entry: Entry,
) -> Result<StoredHead, Error> {
    let head = head.verify(key).map_err(Error::Chain)?;
    let (sealed, head) = audit::append(key, &head, entry);
    let head = head.to_stored();
    write(tx, &sealed, &head).await?;
    Ok(head)
}

/// Starts the chain if there is none, and otherwise checks its head.
pub(crate) async fn start(tx: &mut Transaction<'_>, key: &Key) -> Result<(), Error> {
    if check(tx, Some(key)).await? {
        return Ok(());
    }
    let StoredHead { sequence, hash, key, seal } = Head::start(key).to_stored();
    // Two processes may start at once; both insert the same head.
    let insert = "INSERT INTO audit_head (id, sequence, hash, key_id, seal) VALUES (1, $1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let sequence = i64::try_from(sequence).map_err(Error::encode)?;
    tx.execute(sql!(insert, sequence, *hash.as_bytes(), key.to_string(), *seal.as_bytes())).await?;
    Ok(())
}

/// Checks the head; `false` if there is no chain yet. The key is `None` if it is yet to be generated.
pub(crate) async fn check(tx: &mut Transaction<'_>, key: Option<&Key>) -> Result<bool, Error> {
    // Before the head is read, so that a chain that another process starts meanwhile is not taken for a deleted one.
    let is_used = is_used(tx).await?;
    match head(tx).await? {
        Some(head) => {
            let unknown = ChainError::UnknownKey { sequence: head.sequence, key: head.key };
            let verified = key.ok_or(unknown).and_then(|key| head.verify(key));
            verified.map(|_| true).map_err(Error::Chain)
        }
        // A chain starts in an empty database.
        None if is_used => Err(Error::NoHead),
        None => Ok(false),
    }
}

async fn is_used(tx: &mut Transaction<'_>) -> Result<bool, Error> {
    for sql in ["SELECT sequence FROM audit_entries LIMIT 1", "SELECT id FROM webhook_events LIMIT 1"] {
        if tx.fetch_optional(sql!(sql)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The stored head, not verified.
pub(crate) async fn head(tx: &mut Transaction<'_>) -> Result<Option<StoredHead>, Error> {
    tx.fetch_optional(sql!(HEAD)).await?.map(|row| stored_head(&row)).transpose()
}

// One round trip: two statements in SQLite, one in Postgres. The update names the sequence that it replaces, so that the
// chain cannot fork even if a lock fails.
const WRITE: &str = "INSERT INTO audit_entries \
    (sequence, at_us, actor, action, object, request_id, detail, previous, key_id, hash) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10); \
    UPDATE audit_head SET sequence = $1, hash = $10, key_id = $9, seal = $11 WHERE id = 1 AND sequence = $1 - 1";
const WRITE_AS_ONE: &str = "WITH entry AS (INSERT INTO audit_entries \
    (sequence, at_us, actor, action, object, request_id, detail, previous, key_id, hash) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)) \
    UPDATE audit_head SET sequence = $1, hash = $10, key_id = $9, seal = $11 WHERE id = 1 AND sequence = $1 - 1";

async fn write(tx: &mut Transaction<'_>, sealed: &SealedEntry, head: &StoredHead) -> Result<(), Error> {
    let SealedEntry { sequence, entry, previous, key, hash } = sealed;
    // SQLite counts the rows of both statements.
    let (sql, rows) = match tx.backend() {
        Backend::Sqlite => (WRITE, 2),
        Backend::Postgres => (WRITE_AS_ONE, 1),
    };
    let statement = sql!(
        sql,
        i64::try_from(*sequence).map_err(Error::encode)?,
        entry.at_us(),
        entry.actor(),
        entry.action(),
        entry.object(),
        entry.request_id(),
        entry.detail(),
        *previous.as_bytes(),
        key.to_string(),
        *hash.as_bytes(),
        *head.seal.as_bytes(),
    );
    if tx.execute(statement).await?.rows == rows { Ok(()) } else { Err(Error::NoHead) }
}

/// A stored entry, not verified.
pub(crate) fn entry(row: &Row) -> Result<SealedEntry, Error> {
    let request_id = row.optional_text("request_id")?;
    let entry = Entry::from_stored(
        row.int("at_us")?,
        &row.text("actor")?,
        &row.text("action")?,
        &row.text("object")?,
        request_id.as_deref(),
        &row.text("detail")?,
    );
    Ok(SealedEntry {
        sequence: row.number("sequence")?,
        entry,
        previous: hash(row, "previous")?,
        key: row.parsed::<KeyId>("key_id")?,
        hash: hash(row, "hash")?,
    })
}

fn stored_head(row: &Row) -> Result<StoredHead, Error> {
    Ok(StoredHead {
        sequence: row.number("sequence")?,
        hash: hash(row, "hash")?,
        key: row.parsed("key_id")?,
        seal: hash(row, "seal")?,
    })
}

fn hash(row: &Row, column: &str) -> Result<audit::Hash, Error> {
    let bytes = row.bytes(column)?.try_into().map_err(|_| Error::decode(column))?;
    Ok(audit::Hash::from_bytes(bytes))
}
