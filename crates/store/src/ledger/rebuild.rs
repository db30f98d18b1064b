//! Restores books that a verification found damaged. What cannot be restored is named and left as it is.
//!
//! ```text
//! facts, transactions, entries that nobody with the key wrote   moved to excluded_rows
//! deleted and changed facts    read again from proved events; inserted if they are exactly those of their batch
//! subjects                     folded again: rows are written again, sums are corrected by new transactions
//! balances, accounts, jobs     computed again from entries, from facts, from the audit chain
//! ```

mod exclude;
mod facts;
mod jobs;
mod subjects;

use std::collections::BTreeSet;

use audit::{Entry, Key};
use jiff::Timestamp;
use ledger::{Rules, StashRatio};
use serde::Serialize;
use serde_json::{Value as Json, json};
use webhooks::ProviderSettings;

use super::batch::digest;
use super::deltas::Deltas;
use super::timeout::set_timeout;
use super::verify::{Claims, Finding, LedgerVerification, Place, TRANSACTIONS, proofs, verify};
use super::{Batch, balances};
use crate::actor::Actor;
use crate::audit_log::VerifyError;
use crate::chain;
use crate::database::{Backend, Operation, Transaction};
use crate::error::Error;
use crate::store::Store;

/// Only one writer: what is computed again does not change meanwhile.
const LOCK: &str = "LOCK TABLE facts, ledger_transactions, ledger_entries, ledger_subjects, ledger_balances, \
    provider_accounts, webhook_jobs IN EXCLUSIVE MODE";
/// Names in one audit entry.
const NAMES_MAX: usize = 2_000;

/// What a rebuild did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rebuild {
    /// Rows that nobody with the audit key wrote: they are moved to `excluded_rows`.
    pub excluded: Vec<Place>,
    /// Facts that were read again from their events.
    pub restored_facts: u64,
    /// Subjects that were folded again.
    pub subjects: Vec<String>,
    /// Transactions that correct the sums.
    pub corrections: u64,
    /// Holders whose balances were summed again.
    pub holders: Vec<String>,
    /// Accounts at providers that were written again.
    pub accounts: u64,
    /// Jobs that were set to what the audit chain says.
    pub jobs: u64,
    /// What cannot be restored: it is only in a backup.
    pub lost: Vec<Finding>,
}

/// Whether a rebuild is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RebuildMode {
    /// It is rolled back.
    DryRun,
    /// It is committed.
    Commit,
}

/// One rebuild.
struct Work<'t, 'c> {
    tx: &'t mut Transaction<'c>,
    key: &'t Key,
    claims: Claims,
    batch: Batch,
    now: Timestamp,
    /// Subjects to fold again.
    subjects: BTreeSet<String>,
    /// Holders whose balances are summed again.
    holders: BTreeSet<String>,
    /// The numbers of audit entries whose facts may be missing.
    entries: BTreeSet<u64>,
    /// Batches whose transactions are others now.
    batches: BTreeSet<i64>,
    result: Rebuild,
}

impl Store {
    /// Verifies the books and restores what is damaged, in one transaction with its audit entry. Events are read again with
    /// `settings`; deposits whose ratio is not known have `stash_ratio`. Without findings nothing is written. Verify afterwards.
    ///
    /// # Errors
    /// [`VerifyError`]; nothing was changed. A damaged audit chain is one: nothing is restored from it.
    pub async fn rebuild_ledger(
        &self,
        mode: RebuildMode,
        settings: &ProviderSettings,
        stash_ratio: StashRatio,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<Rebuild, VerifyError> {
        let (key, rules) = (self.shared.key.load(), Rules { stash_ratio });
        let (found, claims) = {
            let mut reader = self.shared.database.reader(Operation::Audit).await?;
            let mut tx = reader.begin().await?;
            set_timeout(&mut tx).await?;
            verify(&mut tx, &key, None, |_, _| ()).await?
        };
        if let Some(error) = found.chain_error {
            return Err(VerifyError::Damaged(error));
        }
        if found.findings.is_empty() {
            return Ok(Rebuild::default());
        }
        let mut writer = self.shared.database.writer(Operation::Audit).await?;
        let mut tx = writer.begin().await?;
        set_timeout(&mut tx).await?;
        if tx.backend() == Backend::Postgres {
            tx.script(LOCK).await?;
        }
        let batch = Batch::new(&key, Some(rules))?;
        let (subjects, holders, entries, batches, result) = Default::default();
        let mut work =
            Work { tx: &mut tx, key: &key, claims, batch, now, subjects, holders, entries, batches, result };
        work.restore(&found, settings, &rules).await?;
        let (entries, result) = (work.entries(actor).await?, work.result);
        for entry in entries {
            chain::append(&mut tx, &key, entry).await?;
        }
        match mode {
            RebuildMode::DryRun => tx.rollback().await?,
            RebuildMode::Commit => tx.commit().await?,
        }
        Ok(result)
    }
}

impl Work<'_, '_> {
    async fn restore(
        &mut self,
        found: &LedgerVerification,
        settings: &ProviderSettings,
        rules: &Rules,
    ) -> Result<(), Error> {
        let mut accounts = BTreeSet::new();
        for Finding { place, .. } in &found.findings {
            match place {
                Place::Facts(id) => self.exclude_fact(id).await?,
                Place::LedgerTransactions(id) => self.exclude_transaction(*id).await?,
                Place::LedgerEntries(id) => self.exclude_entry(*id).await?,
                Place::LedgerSubjects(subject) => drop(self.subjects.insert(subject.clone())),
                Place::LedgerBalances(holder) => drop(self.holders.insert(holder.clone())),
                Place::ProviderAccounts(account) => drop(accounts.insert(account.clone())),
                Place::WebhookEvents(_)
                | Place::WebhookJobs(_)
                | Place::JobsOf(_)
                | Place::FactsOf(_)
                | Place::Journals(_)
                | Place::LedgerTransactionsOf(_)
                | Place::AuditEntries(_)
                | Place::Close(_) => {}
            }
        }
        let batches = self.claims.damaged_batches.clone();
        self.batches.extend(batches.values().map(|claim| claim.id));
        self.entries.extend(batches.into_keys());
        for sequence in std::mem::take(&mut self.entries) {
            self.restore_facts(sequence, settings).await?;
        }
        self.restore_subjects(rules).await?;
        self.restore_accounts(accounts).await?;
        self.restore_balances().await?;
        self.restore_jobs(found).await
    }

    /// Sums the balances of the holders again, and covers what is below zero.
    async fn restore_balances(&mut self) -> Result<(), Error> {
        let holders: Vec<String> = self.holders.iter().cloned().collect();
        balances::restore(self.tx, &holders, self.now, &mut self.batch).await?;
        self.result.holders = holders;
        self.result.corrections = self.batch.transactions();
        Ok(())
    }

    /// The audit entries. The first carries the batch, and the names of as many rows as fit.
    async fn entries(&mut self, actor: Actor<'_>) -> Result<Vec<Entry>, Error> {
        let ids: Vec<i64> = self.batches.iter().copied().collect();
        let mut left = proofs(self.tx, TRANSACTIONS, &ids).await?;
        let rebuilt: Vec<Json> = ids
            .iter()
            .map(|id| {
                let proofs = left.remove(id).unwrap_or_default();
                json!({ "batch": id, "transactions": proofs.len(), "transactions_sha256": digest(&proofs) })
            })
            .collect();
        let Rebuild { excluded, restored_facts, subjects, corrections, holders, accounts, jobs, lost } =
            &self.result;
        let is_posting =
            |place: &&Place| matches!(place, Place::LedgerTransactions(_) | Place::LedgerEntries(_));
        let names: Vec<&Place> = excluded.iter().take(NAMES_MAX).collect();
        let mut detail = json!({
            "ledger": self.batch.detail(), "excluded_rows": excluded.len(), "excluded": names,
            "excluded_postings": excluded.iter().filter(is_posting).count(),
            "restored_facts": restored_facts, "subjects": subjects.len(), "corrections": corrections,
            "holders": holders.len(), "accounts": accounts, "jobs": jobs, "lost": lost.len(),
        });
        let mut entries = Vec::new();
        let mut chunks = rebuilt.chunks(NAMES_MAX);
        loop {
            let chunk = chunks.next().unwrap_or_default();
            detail["batches"] = chunk.into();
            entries.push(actor.entry("ledger.rebuild", "ledger", &detail, self.now)?);
            if chunks.len() == 0 {
                return Ok(entries);
            }
            detail = json!({});
        }
    }
}

impl Deltas {
    /// The holders whose balances change.
    fn holders(&self) -> impl Iterator<Item = String> {
        self.0.keys().map(|(holder, ..)| holder.to_string())
    }
}
