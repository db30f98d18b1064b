//! Applies jobs: facts, postings, audit entry and new states of the jobs, in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use domain::Fact;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use telemetry::traces::{self, SpanKind};
use telemetry::with_causes;
use webhooks::Interpretation;

use super::{ApplyOutcome, Job, JobCause, WORKER, fail};
use crate::database::{Operation, Transaction, retry, sql};
use crate::error::{Error, Retry};
use crate::event_reviews;
use crate::ledger;
use crate::store::Store;

const FINISH: &str = "UPDATE webhook_jobs SET lease_owner = NULL, lease_until = NULL, state = $1, last_error = $2, \
    finished_at = $3 WHERE state = 'leased' AND lease_owner = $4 AND attempts = $5 AND id IN";

impl Store {
    /// Applies jobs, in order, in one transaction. If a job cannot be applied, each is applied in its own transaction, and
    /// the failing job is marked as failed. A job whose event was changed in the database becomes a dead letter.
    ///
    /// # Errors
    /// [`Error`] of the database; the jobs are unchanged, or the reply was lost. Their leases expire.
    pub async fn apply_all(
        &self,
        jobs: &[(Job, Interpretation)],
        rules: &::ledger::Rules,
        now: Timestamp,
    ) -> Result<Vec<ApplyOutcome>, Error> {
        if jobs.iter().all(|(job, _)| job.evidence.is_ok()) {
            return self.apply_proved(jobs, rules, now).await;
        }
        let proved: Vec<_> = jobs.iter().filter(|(job, _)| job.evidence.is_ok()).cloned().collect();
        let mut applied = self.apply_proved(&proved, rules, now).await?.into_iter();
        let mut outcomes = Vec::with_capacity(jobs.len());
        for (job, _) in jobs {
            match job.evidence {
                Ok(()) => outcomes.extend(applied.next()),
                Err(error) => outcomes.push(self.reject(job, error, now).await?),
            }
        }
        Ok(outcomes)
    }

    async fn apply_proved(
        &self,
        jobs: &[(Job, Interpretation)],
        rules: &::ledger::Rules,
        now: Timestamp,
    ) -> Result<Vec<ApplyOutcome>, Error> {
        match self.apply_together(jobs, rules, now).await {
            Err(error) if error.retry() == Retry::Never => {}
            outcomes => return outcomes,
        }
        // A span of a batch has no room for as many transactions as the batch has jobs.
        traces::outside(Box::pin(self.apply_one_by_one(jobs, rules, now))).await
    }

    async fn apply_one_by_one(
        &self,
        jobs: &[(Job, Interpretation)],
        rules: &::ledger::Rules,
        now: Timestamp,
    ) -> Result<Vec<ApplyOutcome>, Error> {
        let mut outcomes = Vec::with_capacity(jobs.len());
        for job in jobs {
            match self.apply_together(std::slice::from_ref(job), rules, now).await {
                Err(error) if error.retry() == Retry::Never => {
                    outcomes.push(self.fail(&job.0, &with_causes(&error), now).await?);
                }
                outcome => outcomes.extend(outcome?),
            }
        }
        Ok(outcomes)
    }

    async fn apply_together(
        &self,
        jobs: &[(Job, Interpretation)],
        rules: &::ledger::Rules,
        now: Timestamp,
    ) -> Result<Vec<ApplyOutcome>, Error> {
        retry(|| self.try_apply(jobs, rules, now)).await
    }

    async fn try_apply(
        &self,
        jobs: &[(Job, Interpretation)],
        rules: &::ledger::Rules,
        now: Timestamp,
    ) -> Result<Vec<ApplyOutcome>, Error> {
        let mut writer = self.shared.database.writer(Operation::Apply).await?;
        let mut tx = writer.begin().await?;
        ledger::lock_accounts(&mut tx, jobs.iter().flat_map(|(_, interpretation)| facts(interpretation)))
            .await?;
        let finished = finish(&mut tx, jobs, now).await?;
        let is_finished = |job: &Job| finished.contains(&job.id.get());
        // The ledger is a function of the set of facts, so that the facts of a batch are posted as one set.
        let facts = jobs.iter().filter(|(job, _)| is_finished(job)).flat_map(|(_, meaning)| facts(meaning));
        let span = traces::child(SpanKind::Internal, || "post facts");
        let key = self.shared.key.load();
        let posted = span.enter(ledger::post(&mut tx, facts, rules, now, &key)).await?;
        drop(span);
        update_reviews(&mut tx, jobs.iter().filter(|(job, _)| is_finished(job)), now).await?;
        let outcomes: Vec<ApplyOutcome> =
            jobs.iter().map(|(job, interpretation)| outcome(is_finished(job), interpretation)).collect();
        let details: Vec<Json> =
            jobs.iter().zip(&outcomes).filter_map(|((job, _), outcome)| detail(job, outcome)).collect();
        if details.is_empty() {
            tx.rollback().await?;
            return Ok(outcomes);
        }
        let object = format!("webhook_jobs/{}", details.len());
        let entry = WORKER.entry(
            "webhooks.apply",
            &object,
            &json!({ "applied": details, "ledger": posted.detail() }),
            now,
        )?;
        self.commit(tx, entry).await?;
        Ok(outcomes)
    }
}

fn facts(interpretation: &Interpretation) -> &[Fact] {
    match interpretation {
        Interpretation::Facts(facts) => facts,
        Interpretation::Unhandled(_) | Interpretation::Test => &[],
    }
}

/// Opens the reviews of events that a person must look at, and resolves those of events that are applied after all.
async fn update_reviews(
    tx: &mut Transaction<'_>,
    finished: impl Iterator<Item = &(Job, Interpretation)>,
    now: Timestamp,
) -> Result<(), Error> {
    let (mut open, mut applied) = (Vec::new(), Vec::new());
    for (job, interpretation) in finished {
        match interpretation {
            Interpretation::Unhandled(unhandled) => {
                open.extend(event_reviews::event_kind(unhandled).map(|kind| (kind, job.event_id.get())));
            }
            Interpretation::Facts(_) | Interpretation::Test if job.cause != JobCause::Received => {
                applied.push(job.event_id.get());
            }
            Interpretation::Facts(_) | Interpretation::Test => {}
        }
    }
    event_reviews::open_events(tx, open, now).await?;
    event_reviews::close_events(tx, applied, now).await
}

/// Marks jobs whose lease is not lost as finished, and returns their ids. Called first, because it locks the rows.
async fn finish(
    tx: &mut Transaction<'_>,
    jobs: &[(Job, Interpretation)],
    now: Timestamp,
) -> Result<BTreeSet<i64>, Error> {
    let mut alike: BTreeMap<(&str, Option<String>, &str, u32), Vec<i64>> = BTreeMap::new();
    for (job, interpretation) in jobs {
        let (state, reason) = state(interpretation);
        alike.entry((state, reason, &*job.owner, job.attempt)).or_default().push(job.id.get());
    }
    let mut finished = BTreeSet::new();
    for ((state, reason, owner, attempt), ids) in alike {
        let start = sql!(FINISH, state, reason, now, owner, attempt);
        for row in tx.fetch_in(start, &ids, " RETURNING id").await? {
            finished.insert(row.int("id")?);
        }
    }
    Ok(finished)
}

/// The final state, and the reason if the event is unhandled.
fn state(interpretation: &Interpretation) -> (&'static str, Option<String>) {
    match interpretation {
        Interpretation::Facts(_) | Interpretation::Test => ("done", None),
        Interpretation::Unhandled(reason) => ("unhandled", Some(fail::truncated(&reason.to_string()))),
    }
}

fn outcome(is_finished: bool, interpretation: &Interpretation) -> ApplyOutcome {
    match interpretation {
        _ if !is_finished => ApplyOutcome::LeaseLost,
        Interpretation::Facts(_) | Interpretation::Test => ApplyOutcome::Done,
        Interpretation::Unhandled(_) => ApplyOutcome::Unhandled,
    }
}

/// The job in the audit entry; `None` if it was not changed.
fn detail(job: &Job, outcome: &ApplyOutcome) -> Option<Json> {
    let state = match outcome {
        ApplyOutcome::Done => "done",
        ApplyOutcome::Unhandled => "unhandled",
        ApplyOutcome::LeaseLost => return None,
        ApplyOutcome::Failed { .. } => "failed",
        ApplyOutcome::Dead { .. } => "dead",
    };
    Some(json!({ "job": job.id, "event": job.event_id, "attempt": job.attempt, "state": state }))
}
