//! The set of facts: what was told, each once.

use std::collections::BTreeMap;

use domain::{Fact, Subject};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::database::{Transaction, values};
use crate::error::Error;

const INSERT: &str = "INSERT INTO facts (id, subject, at, body, known_at) VALUES ";
const END: &str = " ON CONFLICT DO NOTHING RETURNING id";

const ALL: &str = "SELECT '[' || string_agg(body, ',') || ']' AS bodies FROM facts WHERE subject IN";

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
    let of = |(id, (fact, body)): (&[u8; 32], &(&Fact, String))| {
        values![*id, fact.subject.to_string(), fact.at, body, now]
    };
    let rows = told.iter().map(of).collect();
    let mut new = Vec::with_capacity(told.len());
    for row in tx.write_rows_returning(INSERT, rows, END).await? {
        let id: [u8; 32] = row.bytes("id")?.try_into().map_err(|_| Error::unreadable("id"))?;
        new.extend(told.get(&id).map(|(fact, _)| (*fact).clone()));
    }
    Ok(new)
}

/// All facts of these subjects, by subject. How many each may have has been checked. Each set is one row: what a row costs
/// on its way is more than reading the fact in it.
pub(super) async fn all(
    tx: &mut Transaction<'_>,
    subjects: &[String],
) -> Result<BTreeMap<Subject, Vec<Fact>>, Error> {
    let mut facts: BTreeMap<Subject, Vec<Fact>> = BTreeMap::new();
    for row in tx.rows_among(ALL, subjects, " GROUP BY subject").await? {
        let set: Vec<Fact> =
            serde_json::from_str(&row.text("bodies")?).map_err(|_| Error::unreadable("body"))?;
        let first = set.first().ok_or_else(|| Error::unreadable("body"))?;
        facts.insert(first.subject.clone(), set);
    }
    Ok(facts)
}
