//! The set of facts: what was told, each once.

use std::collections::BTreeMap;

use domain::{Fact, Subject};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::database::{Transaction, Value, many, values};
use crate::error::Error;

/// Rows of one statement.
const ROWS_MAX: usize = 64;

const INSERT: &str = "INSERT INTO facts (id, subject, at, body, known_at) VALUES ";
const COLUMNS: usize = 5;
const END: &str = " ON CONFLICT DO NOTHING RETURNING id";

/// Keeps the facts and gives those that were not known. A fact is known by the SHA-256 of its canonical JSON; they are
/// written in the order of that, so that two transactions do not wait for each other.
pub(super) async fn keep(
    tx: &mut Transaction<'_>,
    facts: impl IntoIterator<Item = &Fact>,
    now: Timestamp,
) -> Result<Vec<Fact>, Error> {
    let mut told: BTreeMap<[u8; 32], (&Fact, String)> = BTreeMap::new();
    for fact in facts {
        let body = serde_json::to_string(fact).map_err(|_| Error::unreadable("body"))?;
        told.insert(Sha256::digest(&body).into(), (fact, body));
    }
    let rows: Vec<_> = told.iter().collect();
    let mut new = Vec::with_capacity(told.len());
    for rows in rows.chunks(ROWS_MAX) {
        let sql = many(tx.backend(), INSERT, rows.len(), COLUMNS, "", END);
        let values: Vec<Value> = rows
            .iter()
            .flat_map(|(id, (fact, body))| values![**id, fact.subject.to_string(), fact.at, body, now])
            .collect();
        for row in tx.rows_made(sql, values).await? {
            let id: [u8; 32] = row.bytes("id")?.try_into().map_err(|_| Error::unreadable("id"))?;
            new.extend(told.get(&id).map(|(fact, _)| (*fact).clone()));
        }
    }
    Ok(new)
}

/// All facts of a subject. How many there may be has been checked.
pub(super) async fn all(tx: &mut Transaction<'_>, subject: &Subject) -> Result<Vec<Fact>, Error> {
    let rows = tx.rows("SELECT body FROM facts WHERE subject = $1", values![subject.to_string()]).await?;
    let read = |body: String| serde_json::from_str(&body).map_err(|_| Error::unreadable("body"));
    rows.iter().map(|row| read(row.text("body")?)).collect()
}
