//! The set of facts, each stored once.

use std::collections::BTreeMap;

use domain::{Fact, Subject};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::database::{Transaction, sql, values};
use crate::error::Error;

const INSERT: &str = "INSERT INTO facts (id, subject, at, body, recorded_at) VALUES ";
const INSERT_END: &str = " ON CONFLICT DO NOTHING RETURNING id";

const SETS: &str = "SELECT '[' || string_agg(body, ',') || ']' AS bodies FROM facts WHERE subject IN";

/// Inserts the facts and returns the new ones. The id of a fact is the SHA-256 of its canonical JSON; facts are inserted in
/// order of their ids, so that two transactions cannot deadlock.
pub(super) async fn insert(
    tx: &mut Transaction<'_>,
    facts: impl IntoIterator<Item = &Fact>,
    now: Timestamp,
) -> Result<Vec<Fact>, Error> {
    let mut by_id: BTreeMap<[u8; 32], (&Fact, String)> = BTreeMap::new();
    for fact in facts {
        let body = serde_json::to_string(fact).map_err(Error::encode)?;
        by_id.insert(Sha256::digest(&body).into(), (fact, body));
    }
    let row = |(id, (fact, body)): (&[u8; 32], &(&Fact, String))| {
        values![*id, fact.subject.to_string(), fact.at, body, now]
    };
    let mut new = Vec::with_capacity(by_id.len());
    for row in tx.insert_rows(INSERT, by_id.iter().map(row).collect(), INSERT_END).await? {
        let id: [u8; 32] = row.bytes("id")?.try_into().map_err(|_| Error::decode("id"))?;
        new.extend(by_id.get(&id).map(|(fact, _)| (*fact).clone()));
    }
    Ok(new)
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
