//! Subjects, folded again from their proved facts, and the accounts that facts name.

use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};

use domain::{CoinSide, ExternalId, Fact, FactKind, Subject};
use ledger::{Row as FoldedRow, Rules};

use super::Work;
use crate::database::{Value, sql, values};
use crate::error::Error;
use crate::ledger::deltas::Deltas;
use crate::ledger::journal::{self, PostingSet};
use crate::ledger::refold::refold;
use crate::ledger::rows::{self, StoredRows, stored_ratio};
use crate::ledger::verify::{Expected, Finding, Place, Problem, add_fact, add_status, proved_fact};
use crate::ledger::{Scope, SubjectState};

const FACTS: &str = "SELECT id, subject, at, body, recorded_at, batch, proof FROM facts WHERE subject = $1";
const NAMING: &str = "SELECT id, subject, at, body, recorded_at, batch, proof FROM facts WHERE body LIKE $1";
const COUNT: &str = "INSERT INTO ledger_subjects (subject, facts, latest_at) VALUES ($1, $2, $3) \
    ON CONFLICT (subject) DO UPDATE SET facts = excluded.facts, latest_at = excluded.latest_at";
const ACCOUNT: &str = "INSERT INTO provider_accounts (account, user_id, status, status_at, registered_at, last_seen_at) \
    VALUES ($1, $1, $2, $3, $4, $5) ON CONFLICT (account) DO UPDATE SET status = excluded.status, \
    status_at = excluded.status_at, registered_at = excluded.registered_at, last_seen_at = excluded.last_seen_at";

const COINS: &str = "SELECT coin_transaction FROM transfers WHERE id IN";
const SENDERS: &str = "SELECT id FROM transfers WHERE coin_side = 'sent' AND coin_transaction IN";

/// A subject with its proved facts.
struct Damaged {
    key: String,
    subject: Subject,
    facts: Vec<Fact>,
    rules: Rules,
    /// The number of the audit entry of its first facts: an execution belongs to the holding that reported it first.
    sequence: u64,
}

impl Damaged {
    /// Its place among others. Transfers that sent coins come last: what became of these depends on those that received them.
    fn position(&self) -> (bool, u64, &Subject) {
        let has_sent = |fact: &Fact| matches!(fact.kind, FactKind::Coins { side: CoinSide::Sent, .. });
        (self.facts.iter().any(has_sent), self.sequence, &self.subject)
    }
}

impl Work<'_, '_> {
    pub(super) async fn restore_subjects(&mut self, rules: &Rules) -> Result<(), Error> {
        let mut damaged = Vec::new();
        for key in std::mem::take(&mut self.subjects) {
            let Some(subject) = parse(&key) else { continue };
            damaged.push(self.load(key, subject, rules).await?);
        }
        let senders = self.load_senders(&damaged, rules).await?;
        damaged.extend(senders);
        // What is known of lost facts stays.
        damaged.retain(|each| !each.facts.is_empty() || self.result.lost.is_empty());
        // All first, so that none is folded beside changed rows of another.
        for Damaged { key, subject, .. } in &damaged {
            StoredRows::delete(self.tx, subject).await?;
            self.tx.execute(sql!("DELETE FROM ledger_subjects WHERE subject = $1", key)).await?;
        }
        damaged.sort_by(|one, other| one.position().cmp(&other.position()));
        for each in damaged {
            self.restore_subject(each).await?;
        }
        Ok(())
    }

    /// The transfers that sent coins in the transactions of damaged ones: what became of them depends on these.
    async fn load_senders(&mut self, damaged: &[Damaged], rules: &Rules) -> Result<Vec<Damaged>, Error> {
        let keys: BTreeSet<&String> = damaged.iter().map(|each| &each.key).collect();
        let ids: Vec<&str> = keys.iter().filter_map(|key| key.strip_prefix("transfer/")).collect();
        let mut transactions: BTreeSet<String> = BTreeSet::new();
        for row in self.tx.fetch_in(sql!(COINS), &ids, "").await? {
            transactions.extend(row.optional_text("coin_transaction")?);
        }
        for fact in damaged.iter().flat_map(|each| &each.facts) {
            if let FactKind::Coins { transaction, .. } = &fact.kind {
                transactions.insert(transaction.to_string());
            }
        }
        let mut senders = Vec::new();
        for row in self.tx.fetch_in(sql!(SENDERS), &Vec::from_iter(transactions), "").await? {
            let subject = Subject::Transfer(row.parsed("id")?);
            let key = subject.to_string();
            if !keys.contains(&key) {
                senders.push(self.load(key, subject, rules).await?);
            }
        }
        Ok(senders)
    }

    async fn load(&mut self, key: String, subject: Subject, rules: &Rules) -> Result<Damaged, Error> {
        let (mut facts, mut batches) = (Vec::new(), Vec::new());
        for row in self.tx.fetch_all(sql!(FACTS, &key)).await? {
            if let Ok(fact) = proved_fact(&row, self.key)? {
                facts.push(fact);
                batches.push(row.int("batch")?);
            }
        }
        let stash_ratio = match self.claims.first_ratio(batches.iter().copied()) {
            Some(ratio) => ratio,
            None => stored_ratio(self.tx, &subject).await?.unwrap_or(rules.stash_ratio),
        };
        let sequence = self.claims.first_sequence(batches.into_iter());
        Ok(Damaged { key, subject, facts, rules: Rules { stash_ratio }, sequence })
    }

    async fn restore_subject(&mut self, damaged: Damaged) -> Result<(), Error> {
        let Damaged { key, subject, facts, rules, .. } = damaged;
        let mut effects = journal::subjects(self.tx, &[&key]).await?.remove(&key).unwrap_or_default();
        let state = match facts.is_empty() {
            true => None,
            false => refold(self.tx, &subject, &facts, rules.stash_ratio).await?,
        };
        let postings = state.as_ref().map(|state| state.postings.clone()).unwrap_or_default();
        if !facts.is_empty() {
            let latest = facts.iter().map(|fact| fact.at).max();
            self.tx.execute(sql!(COUNT, &key, facts.len() as i64, latest)).await?;
        }
        if let Some(state) = state {
            let (removed_effects, is_known, scope) = (Vec::new(), true, Scope::Whole);
            let (key, changed_from) = (key.clone(), Timestamp::MIN);
            let state = SubjectState { key, is_known, rules, state, scope, removed_effects, changed_from };
            rows::write(self.tx, &[state]).await?;
        } else if !facts.is_empty() {
            // More facts than are folded: what was posted stays.
            effects.clear();
        }
        if !self.result.lost.is_empty() && !journal::is_equal(&effects, &postings)? {
            let detail = "facts are lost, so that its sums are not corrected";
            self.result.lost.push(Finding::new(Place::LedgerSubjects(key), Problem::Different, detail));
            return Ok(());
        }
        let mut deltas = Deltas::default();
        let changed_from = Timestamp::MIN;
        let set = PostingSet { subject: &key, postings: &postings, effects, changed_from };
        journal::write(self.tx, vec![set], self.now, (&mut deltas, &mut self.batch)).await?;
        self.holders.extend(deltas.holders());
        self.result.subjects.push(key);
        Ok(())
    }

    pub(super) async fn restore_accounts(&mut self, accounts: BTreeSet<String>) -> Result<(), Error> {
        for account in accounts {
            let Expected { status, last_seen_at } = match self.account(&account).await? {
                Some(expected) => expected,
                None => {
                    self.tx
                        .execute(sql!("DELETE FROM provider_accounts WHERE account = $1", &account))
                        .await?;
                    self.result.accounts += 1;
                    continue;
                }
            };
            let (status, status_at, registered_at) = match status {
                Some((status, at, registered_at)) => (Some(status), Some(at), Some(registered_at)),
                None => (None, None, None),
            };
            let row: Vec<Value> = values![&account, status, status_at, registered_at, last_seen_at];
            self.tx.execute(crate::database::Statement::new(ACCOUNT, row)).await?;
            self.result.accounts += 1;
        }
        Ok(())
    }

    /// What all facts say of an account; `None` if none names it.
    async fn account(&mut self, account: &str) -> Result<Option<Expected>, Error> {
        let (mut accounts, mut own) = (HashMap::new(), Vec::new());
        for row in self.tx.fetch_all(sql!(NAMING, format!("%{account}%"))).await? {
            if let Ok(fact) = proved_fact(&row, self.key)? {
                add_fact(&mut accounts, &fact);
                own.extend(
                    matches!(&fact.subject, Subject::Account(id) if id.to_string() == account)
                        .then_some(fact),
                );
            }
        }
        if let Some(first) = own.first() {
            let state = ledger::fold(&first.subject, &own, &Rules::default())?;
            if let FoldedRow::Account(row) = &state.row {
                add_status(&mut accounts, row)?;
            }
        }
        Ok(accounts.remove(account))
    }
}

/// The subject of a key, such as `holding/alpaca:a1/AAPL`; `None` if it is none that facts describe.
fn parse(key: &str) -> Option<Subject> {
    let (kind, rest) = key.split_once('/')?;
    let id = |text: &str| text.parse::<ExternalId>().ok();
    match kind {
        "account" => id(rest).map(Subject::Account),
        "transfer" => id(rest).map(Subject::Transfer),
        "cash" => id(rest).map(Subject::CashEntry),
        "journal" => rest.parse().ok().map(Subject::Journal),
        "holding" => {
            let (account, symbol) = rest.rsplit_once('/')?;
            Some(Subject::Holding { account: id(account)?, symbol: symbol.parse().ok()? })
        }
        _ => None,
    }
}
