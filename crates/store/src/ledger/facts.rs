//! The set of facts, each stored once.

use std::collections::BTreeMap;

use domain::{Fact, Subject};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::batch::{Batch, fact_columns};
use super::moment::Moment;
use super::verify::proved_fact;
use crate::database::{Transaction, Value, sql, values};
use crate::error::Error;
use crate::proof::Kind;

const INSERT: &str = "INSERT INTO facts (id, subject, at, body, recorded_at, batch, proof) VALUES ";
const INSERT_END: &str = " ON CONFLICT DO NOTHING RETURNING id";

const STORED: &str = "SELECT id, subject, at, body, recorded_at, batch, proof FROM facts WHERE id IN";

const SETS: &str = "SELECT '[' || string_agg(body, ',') || ']' AS bodies FROM facts WHERE subject IN";
const SET: &str = "SELECT '[' || string_agg(body, ',') || ']' AS bodies FROM facts WHERE subject = $1";

/// A fact with its proof and its row.
type NewFact<'f> = (&'f Fact, Vec<u8>, Vec<Value>);

/// Inserts the facts, adds the new ones to the batch, and returns them. The id of a fact is the SHA-256 of its canonical JSON; facts are inserted in
/// order of their ids, so that two transactions cannot deadlock.
pub(super) async fn insert(
    tx: &mut Transaction<'_>,
    facts: impl IntoIterator<Item = &Fact>,
    now: Timestamp,
    batch: &mut Batch,
) -> Result<Vec<Fact>, Error> {
    let mut by_id: BTreeMap<[u8; 32], NewFact<'_>> = BTreeMap::new();
    for fact in facts {
        let body = serde_json::to_string(fact).map_err(Error::encode)?;
        let (id, subject): ([u8; 32], _) = (Sha256::digest(&body).into(), fact.subject.to_string());
        let columns =
            fact_columns(&subject, fact.at.as_microsecond(), &body, now.as_microsecond(), batch.id());
        let proof = batch.prove(Kind::Fact, &columns);
        let row = [values![id], columns, values![proof.clone()]].concat();
        by_id.insert(id, (fact, proof, row));
    }
    let rows = by_id.values_mut().map(|(_, _, row)| std::mem::take(row)).collect();
    let mut new = Vec::with_capacity(by_id.len());
    for row in tx.insert_rows(INSERT, rows, INSERT_END).await? {
        let id: [u8; 32] = row.bytes("id")?.try_into().map_err(|_| Error::decode("id"))?;
        let (fact, proof, _) = by_id.remove(&id).ok_or_else(|| Error::decode("id"))?;
        batch.add_fact(id, proof);
        new.push(fact.clone());
    }
    check_stored(tx, by_id.into_keys().collect(), batch).await?;
    Ok(new)
}

/// Facts that are stored already count only as the server wrote them: a forged row must not keep a fact from being posted.
async fn check_stored(tx: &mut Transaction<'_>, ids: Vec<[u8; 32]>, batch: &Batch) -> Result<(), Error> {
    for row in tx.fetch_in(sql!(STORED), &ids, "").await? {
        if let Err(reason) = proved_fact(&row, batch.key())? {
            return Err(Error::ForgedFact { id: hex::encode(row.bytes("id")?), reason });
        }
    }
    Ok(())
}

/// All facts of these subjects, whose number has been checked. Each set is fetched as one row, because fetching a row costs
/// more than decoding a fact.
pub(super) async fn sets(
    tx: &mut Transaction<'_>,
    subjects: &[String],
) -> Result<BTreeMap<Subject, Vec<Fact>>, Error> {
    let mut sets: BTreeMap<Subject, Vec<Fact>> = BTreeMap::new();
    for row in tx.fetch_in(sql!(SETS), subjects, " GROUP BY subject").await? {
        let set: Vec<Fact> = serde_json::from_str(&row.text("bodies")?).map_err(|_| Error::decode("body"))?;
        let first = set.first().ok_or_else(|| Error::decode("body"))?;
        sets.insert(first.subject.clone(), set);
    }
    Ok(sets)
}

/// The facts of a subject that count at `moment`.
pub(super) async fn at(
    tx: &mut Transaction<'_>,
    subject: &Subject,
    moment: Moment,
) -> Result<Vec<Fact>, Error> {
    let row = tx.fetch_optional(moment.push_facts(sql!(SET, subject.to_string()))).await?;
    let bodies = row.map(|row| row.optional_text("bodies")).transpose()?.flatten();
    bodies.map_or(Ok(Vec::new()), |set| serde_json::from_str(&set).map_err(|_| Error::decode("body")))
}
