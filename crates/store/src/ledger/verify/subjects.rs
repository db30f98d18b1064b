//! Facts, each proved, and what is folded from those of each subject: sums of effects and rows.

use std::collections::{BTreeMap, BTreeSet};

use domain::Fact;
use ledger::{Row as FoldedRow, Rules};
use sha2::{Digest as _, Sha256};

use super::accounts::{add_fact, add_status};
use super::{Place, Problem, Run};
use crate::database::{Row, Transaction, sql};
use crate::error::Error;
use crate::ledger::batch::fact_columns;
use crate::ledger::journal::{self, Effects};
use crate::ledger::refold::refold;
use crate::ledger::rows::{StoredRows, folded_rows, stored_ratio};
use crate::proof::{self, Kind};

/// Subjects of one page.
const SUBJECTS: i64 = 32;

const PAGE_OF: &str = "SELECT DISTINCT subject FROM facts WHERE subject > $1 ORDER BY subject LIMIT $2";
const FACTS: &str = "SELECT id, subject, at, body, recorded_at, batch, proof FROM facts WHERE subject IN";
const COUNTS: &str = "SELECT subject, facts, latest_at FROM ledger_subjects WHERE subject IN";

/// Rows of subjects without facts, and the subject.
const EXTRA: [&str; 6] = [
    "SELECT subject AS key FROM ledger_subjects r",
    "SELECT 'transfer/' || id AS key FROM transfers r",
    "SELECT 'cash/' || id AS key FROM cash_entries r",
    "SELECT 'holding/' || account || '/' || symbol AS key FROM positions r",
    "SELECT 'holding/' || account || '/' || symbol AS key FROM orders r",
    "SELECT 'holding/' || account || '/' || symbol AS key FROM fills r",
];

/// A subject with its proved facts.
#[derive(Default)]
pub(in crate::ledger) struct SubjectFacts {
    pub(in crate::ledger) facts: Vec<Fact>,
    /// The batch of each fact.
    pub(in crate::ledger) batches: Vec<i64>,
}

impl Run<'_, '_> {
    pub(super) async fn check_subjects(&mut self) -> Result<(), Error> {
        for select in EXTRA {
            let select = format!(
                "SELECT DISTINCT key FROM ({select}) known WHERE NOT EXISTS (SELECT 1 FROM facts f WHERE f.subject = known.key)"
            );
            for row in self.tx.fetch_all(sql!(select)).await? {
                let place = Place::LedgerSubjects(row.text("key")?);
                self.find(place, Problem::Extra, "it has rows and no facts");
            }
        }
        let mut last = String::new();
        loop {
            let rows = self.tx.fetch_all(sql!(PAGE_OF, &last, SUBJECTS)).await?;
            let subjects = rows.iter().map(|row| row.text("subject")).collect::<Result<Vec<_>, _>>()?;
            let Some(subject) = subjects.last() else { return Ok(()) };
            last.clone_from(subject);
            self.check_page_of_subjects(&subjects).await?;
        }
    }

    async fn check_page_of_subjects(&mut self, subjects: &[String]) -> Result<(), Error> {
        let facts = self.proved_facts(subjects).await?;
        let mut counts = BTreeMap::new();
        for row in self.tx.fetch_in(sql!(COUNTS), subjects, "").await? {
            counts.insert(row.text("subject")?, (row.int("facts")?, row.int("latest_at")?));
        }
        for (key, facts) in facts {
            self.result.subjects += 1;
            let Some(effects) = effects(self.tx, &key).await? else {
                self.find(Place::LedgerSubjects(key), Problem::Altered, "its entries cannot be read");
                continue;
            };
            if let Some(detail) = self.compare_subject(&key, &facts, effects, counts.get(&key)).await? {
                self.find(Place::LedgerSubjects(key), Problem::Different, detail);
            }
        }
        Ok(())
    }

    /// The facts of subjects whose proof holds. The others are findings.
    async fn proved_facts(&mut self, subjects: &[String]) -> Result<BTreeMap<String, SubjectFacts>, Error> {
        let mut by_subject: BTreeMap<String, SubjectFacts> = BTreeMap::new();
        for row in self.tx.fetch_in(sql!(FACTS), subjects, "").await? {
            self.result.facts += 1;
            let entry = by_subject.entry(row.text("subject")?).or_default();
            match proved_fact(&row, self.key)? {
                Ok(fact) if self.claims.has_batch(row.int("batch")?) => {
                    add_fact(&mut self.accounts, &fact);
                    entry.facts.push(fact);
                    entry.batches.push(row.int("batch")?);
                }
                Ok(_) => {
                    let place = Place::Facts(hex::encode(row.bytes("id")?));
                    self.find(place, Problem::Extra, "its batch is not in the audit chain");
                }
                Err(detail) => {
                    self.find(Place::Facts(hex::encode(row.bytes("id")?)), Problem::Altered, detail);
                }
            }
        }
        Ok(by_subject)
    }

    /// What differs; `None` if nothing does.
    async fn compare_subject(
        &mut self,
        key: &str,
        SubjectFacts { facts, batches }: &SubjectFacts,
        effects: Effects,
        count: Option<&(i64, i64)>,
    ) -> Result<Option<String>, Error> {
        let Some(first) = facts.first() else { return Ok(Some("none of its facts is authentic".to_owned())) };
        let latest = facts.iter().map(|fact| fact.at.as_microsecond()).max().unwrap_or_default();
        let expected = (facts.len() as i64, latest);
        if count != Some(&expected) {
            return Ok(Some(format!("its facts and latest time are {count:?} instead of {expected:?}")));
        }
        let subject = &first.subject;
        let ratio = match self.claims.first_ratio(batches.iter().copied()) {
            Some(ratio) => ratio,
            None => stored_ratio(self.tx, subject).await?.unwrap_or(Rules::default().stash_ratio),
        };
        let state = match refold(self.tx, subject, facts, ratio).await {
            Ok(Some(state)) => state,
            Ok(None) => return Ok(None),
            Err(Error::Ledger(error)) => return Ok(Some(format!("its facts cannot be folded: {error}"))),
            Err(Error::Decode { column }) => return Ok(Some(format!("{column} of its rows cannot be read"))),
            Err(error) => return Err(error),
        };
        if let FoldedRow::Account(account) = &state.row {
            add_status(&mut self.accounts, account)?;
        }
        let corrections = journal::differing_effects(effects, &state.postings)?;
        if !corrections.is_empty() {
            return Ok(Some(format!("its entries are not those of its facts: {}", corrections.join(", "))));
        }
        let expected = folded_rows(&state, Rules { stash_ratio: ratio })?;
        let stored = StoredRows::load(self.tx, subject).await?;
        let differing: BTreeSet<String> = stored.differing(&expected)?;
        let names: Vec<String> = differing.into_iter().map(|row| format!("{key}: {row}")).collect();
        Ok((!names.is_empty()).then(|| format!("its rows are not those of its facts: {}", names.join(", "))))
    }
}

/// The stored effects of a subject; `None` if they cannot be read.
async fn effects(tx: &mut Transaction<'_>, key: &String) -> Result<Option<Effects>, Error> {
    match journal::subjects(tx, &[key]).await {
        Ok(mut subjects) => Ok(Some(subjects.remove(key).unwrap_or_default())),
        Err(Error::Decode { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A fact whose proof holds, or why it does not.
pub(in crate::ledger) fn proved_fact(row: &Row, key: &audit::Key) -> Result<Result<Fact, String>, Error> {
    let (subject, body) = (row.text("subject")?, row.text("body")?);
    let columns = fact_columns(&subject, row.int("at")?, &body, row.int("recorded_at")?, row.int("batch")?);
    let proof = row.optional_bytes("proof")?;
    if let Err(error) = proof::check(key, Kind::Fact, &columns, proof.as_deref()) {
        return Ok(Err(error.to_string()));
    }
    if Sha256::digest(&body)[..] != row.bytes("id")?[..] {
        return Ok(Err("its id is not the hash of its content".to_owned()));
    }
    Ok(serde_json::from_str(&body).map_err(|error| format!("it cannot be read: {error}")))
}
