//! The audit chain, and what its entries say of other rows: the events that were received and redacted, the jobs that were
//! finished, and the batches of the journal.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use audit::{ChainError, Head, SealedEntry, StoredHead, Verifier};
use ledger::StashRatio;
use serde_json::Value as Json;

use super::batches::BatchClaim;
use super::closes::Closes;
use super::events::EventClaim;
use super::finding::Finding;
use super::id_set::IdSet;
use super::jobs::JobClaim;
use super::number::number;
use super::{Run, missing_key};
use crate::audit_log::{self, VerifyError};
use crate::database::{Transaction, sql};
use crate::error::Error;

const REBUILDS: &str =
    "SELECT sequence, detail FROM audit_entries WHERE action = 'ledger.rebuild' ORDER BY sequence";

/// What the chain says, as far as it is compared with later rows.
#[derive(Default)]
pub(in crate::ledger) struct Claims {
    /// Sorted by id when the chain was read.
    batches: Vec<BatchRef>,
    ratios: Vec<StashRatio>,
    /// The digest of the transactions that a rebuild left of a batch.
    pub(super) rebuilt: HashMap<i64, Rebuilt>,
    pub(super) received: IdSet,
    pub(super) redacted: IdSet,
    /// The last state of each journal.
    pub(super) journals: BTreeMap<i64, String>,
    pub(in crate::ledger) finished: IdSet,
    /// Events whose id came with other content before: none is applied until a person replays it.
    pub(super) conflicts: IdSet,
    /// Events that were replayed or requeued.
    pub(super) reopened: HashMap<i64, Reopened>,
    /// Dead letters that are stored as requeued.
    pub(super) requeued: Vec<JobClaim>,
    /// Batches that are not as the chain says, by the number of their entry.
    pub(in crate::ledger) damaged_batches: BTreeMap<u64, BatchClaim>,
    /// Jobs that are not as the chain says.
    pub(in crate::ledger) damaged_jobs: BTreeMap<i64, JobClaim>,
}

/// The replays and requeues of an event, each of which adds a job.
#[derive(Default)]
pub(super) struct Reopened {
    pub(super) jobs: i64,
    /// The number of the first audit entry.
    pub(super) first: u64,
    /// The number of the last one.
    pub(super) last: u64,
}

/// The transactions that a rebuild left of a batch.
pub(super) struct Rebuilt {
    /// The number of its audit entry.
    pub(super) sequence: u64,
    pub(super) transactions: (u64, String),
}

/// A batch in the chain.
#[derive(Clone, Copy)]
struct BatchRef {
    id: i64,
    sequence: u64,
    ratio: Option<u16>,
}

impl Claims {
    /// Sorts the batches, so that they can be searched.
    fn seal(&mut self) {
        self.batches.sort_unstable_by_key(|batch| (batch.id, batch.sequence));
    }

    fn find(&self, id: i64) -> Option<&BatchRef> {
        self.batches.binary_search_by_key(&id, |batch| batch.id).ok().and_then(|at| self.batches.get(at))
    }

    pub(in crate::ledger) fn has_batch(&self, id: i64) -> bool {
        self.find(id).is_some()
    }

    /// The ratio of deposits of the first of these batches; `None` if it is not known, as of batches before the ratio was
    /// recorded.
    pub(in crate::ledger) fn first_ratio(&self, batches: impl Iterator<Item = i64>) -> Option<StashRatio> {
        let first = batches.filter_map(|id| self.find(id)).min_by_key(|batch| batch.sequence)?;
        self.ratios.get(usize::from(first.ratio?)).copied()
    }

    /// The number of the audit entry of a batch.
    pub(in crate::ledger) fn sequence(&self, id: i64) -> Option<u64> {
        self.find(id).map(|batch| batch.sequence)
    }

    /// The number of the audit entry of the first of these batches.
    pub(in crate::ledger) fn first_sequence(&self, batches: impl Iterator<Item = i64>) -> u64 {
        batches.filter_map(|id| self.find(id)).map(|batch| batch.sequence).min().unwrap_or(u64::MAX)
    }

    /// Whether the event is one that nobody allowed to be applied.
    pub(in crate::ledger) fn is_unapplied_conflict(&self, event: i64) -> bool {
        self.conflicts.contains(event) && !self.reopened.contains_key(&event)
    }

    /// The number of jobs that an event has: the first, and one for each replay and requeue.
    pub(in crate::ledger) fn jobs(&self, event: i64) -> i64 {
        1 + self.reopened.get(&event).map_or(0, |reopened| reopened.jobs)
    }

    fn reopen(&mut self, sequence: u64, events: &BTreeSet<i64>) {
        for event in events {
            let reopened =
                self.reopened.entry(*event).or_insert(Reopened { first: sequence, ..Reopened::default() });
            reopened.jobs += 1;
            reopened.last = sequence;
        }
    }

    fn add(&mut self, claim: &BatchClaim) {
        let ratio = claim.ratio.and_then(|ratio| {
            let known = self.ratios.iter().position(|known| *known == ratio);
            u16::try_from(known.unwrap_or_else(|| {
                self.ratios.push(ratio);
                self.ratios.len() - 1
            }))
            .ok()
        });
        self.batches.push(BatchRef { id: claim.id, sequence: claim.sequence, ratio });
    }
}

/// What the entries of one page say.
#[derive(Default)]
struct PageClaims {
    events: Vec<EventClaim>,
    jobs: Vec<JobClaim>,
    batches: Vec<BatchClaim>,
}

impl Run<'_, '_> {
    /// Verifies the chain and the rows that it lists. After the first fault of the chain, its other entries are still
    /// compared.
    pub(super) async fn check_chain(
        &mut self,
        checkpoint: Option<Head>,
        mut progress: impl FnMut(u64, u64) + Send,
    ) -> Result<(), VerifyError> {
        self.closes = Closes::load(self.tx).await?;
        (self.claims.rebuilt, self.closes.rebuilt_until) = rebuilt(self.tx).await?;
        let (last, head) = self.head().await?;
        let mut verifier = Verifier::new(self.key);
        if let Some(checkpoint) = checkpoint {
            verifier = verifier.with_checkpoint(checkpoint);
        }
        let (mut verifier, mut verified) = (head.map(|_| verifier), 0);
        while verified < last {
            let page = audit_log::page(self.tx, verified).await?;
            let Some(end) = page.last().map(|sealed| sealed.sequence) else { break };
            let mut claims = PageClaims::default();
            for sealed in &page {
                if let Some(Err(error)) = verifier.as_mut().map(|verifier| verifier.feed(sealed)) {
                    self.damaged(missing_key(error)?);
                    verifier = None;
                }
                self.read(sealed, &mut claims);
            }
            self.check_listed_events(&claims.events).await?;
            self.check_listed_jobs(&claims.jobs).await?;
            self.check_batches(&claims.batches).await?;
            self.add_to_closes(&claims.batches).await?;
            verified = end;
            progress(verified, last);
        }
        self.check_closes(u64::MAX);
        self.claims.seal();
        self.result.audit_entries = verified;
        if let (Some(verifier), Some(head)) = (verifier, head)
            && let Err(error) = verifier.finish(&head)
        {
            self.damaged(missing_key(error)?);
        }
        Ok(())
    }

    /// The number of the last entry, and the head if it is authentic.
    async fn head(&mut self) -> Result<(u64, Option<Head>), VerifyError> {
        let stored: Result<StoredHead, VerifyError> = audit_log::outermost_head(self.tx).await;
        let verified = match stored {
            Ok(stored) => stored.verify(self.key).map_err(VerifyError::from),
            Err(error) => Err(error),
        };
        match verified {
            Ok(head) => Ok((head.sequence(), Some(head))),
            Err(VerifyError::Damaged(error)) => {
                self.damaged(error);
                let last = "SELECT COALESCE(MAX(sequence), 0) AS count FROM audit_entries";
                Ok((self.tx.count(sql!(last)).await?, None))
            }
            Err(error) => Err(error),
        }
    }

    fn damaged(&mut self, error: ChainError) {
        self.result.findings.push(Finding::chain(error));
        self.result.chain_error.get_or_insert(error);
    }

    fn read(&mut self, sealed: &SealedEntry, claims: &mut PageClaims) {
        let Ok(detail) = serde_json::from_str::<Json>(sealed.entry.detail()) else { return };
        let list = |name: &str| detail[name].as_array().map(Vec::as_slice).unwrap_or_default();
        match sealed.entry.action() {
            "webhooks.receive" => {
                claims.events.extend(list("events").iter().filter_map(EventClaim::parse));
                list("conflicts").iter().filter_map(number).for_each(|id| self.claims.conflicts.insert(id));
            }
            "webhooks.replay" | "webhooks.requeue" => {
                self.claims.reopen(sealed.sequence, &list("events").iter().filter_map(number).collect());
            }
            "webhooks.redact" => {
                list("events").iter().filter_map(number).for_each(|id| self.claims.redacted.insert(id));
            }
            "journals.create" | "journals.approve" | "journals.reject" => {
                let id = sealed.entry.object().strip_prefix("journals/").and_then(|id| id.parse().ok());
                let state = detail["state"].as_str().map(str::to_owned);
                self.claims.journals.extend(id.zip(state));
            }
            "webhooks.apply" => {
                claims.jobs.extend(
                    list("applied").iter().filter_map(|job| JobClaim::parse(job, None, sealed.sequence)),
                );
            }
            "webhooks.fail" | "webhooks.reject" => {
                let job = sealed.entry.object().strip_prefix("webhook_jobs/").and_then(|id| id.parse().ok());
                claims.jobs.extend(JobClaim::parse(&detail, job, sealed.sequence));
            }
            "webhooks.give_up" => {
                claims
                    .jobs
                    .extend(list("jobs").iter().filter_map(|job| JobClaim::given_up(job, sealed.sequence)));
            }
            _ => {}
        }
        for claim in batches(sealed.sequence, &detail) {
            self.claims.add(&claim);
            claims.batches.push(claim);
        }
    }
}

/// The batches that an audit entry says were written with it.
pub(in crate::ledger) fn batches(sequence: u64, detail: &Json) -> Vec<BatchClaim> {
    let batches = match &detail["ledger"] {
        Json::Array(batches) => batches.as_slice(),
        batch => std::slice::from_ref(batch),
    };
    batches.iter().filter_map(|batch| BatchClaim::parse(sequence, batch)).collect()
}

/// What rebuilds left of each batch, and the number of the last entry of one that excluded postings.
async fn rebuilt(tx: &mut Transaction<'_>) -> Result<(HashMap<i64, Rebuilt>, u64), Error> {
    let (mut rebuilt, mut excluded_until) = (HashMap::new(), 0);
    for row in tx.fetch_all(sql!(REBUILDS)).await? {
        let (sequence, detail) = (row.number("sequence")?, row.text("detail")?);
        let detail: Json = serde_json::from_str(&detail).unwrap_or_default();
        if detail["excluded_postings"].as_u64().is_some_and(|postings| postings > 0) {
            excluded_until = sequence;
        }
        for batch in detail["batches"].as_array().into_iter().flatten() {
            let digest = batch["transactions_sha256"].as_str().unwrap_or_default().to_owned();
            let transactions = (batch["transactions"].as_u64().unwrap_or_default(), digest);
            rebuilt.extend(number(&batch["batch"]).map(|id| (id, Rebuilt { sequence, transactions })));
        }
    }
    Ok((rebuilt, excluded_until))
}
