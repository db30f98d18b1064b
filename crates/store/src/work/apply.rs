//! Applying what deliveries mean: their facts, what those do to the books, the audit entry and "done", in one transaction.

use std::collections::{BTreeMap, BTreeSet};

use audit::Entry;
use domain::Fact;
use jiff::Timestamp;
use serde_json::{Value as Json, json};
use webhooks::Meaning;

use super::{Leased, fail};
use crate::chain;
use crate::database::{ROWS_MAX, Statement, Transaction, Tries};
use crate::error::{Error, Remedy, with_causes};
use crate::ledger;
use crate::store::Store;

/// What came of a piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Its facts are kept, and the books hold what they say.
    Done,
    /// It means nothing for the books.
    Unhandled,
    /// Its lease had passed to another; nothing was changed.
    LeaseLost,
    /// It could not be applied, and will be tried again.
    Failed {
        /// Why.
        reason: String,
    },
    /// It could not be applied, and was given up.
    Dead {
        /// Why.
        reason: String,
    },
}

impl Store {
    /// Applies one piece of work: see [`apply_all`](Self::apply_all).
    ///
    /// # Errors
    /// [`Error`] of the database; then nothing was changed, or the answer was lost on the way.
    pub async fn apply(
        &self,
        leased: &Leased,
        meaning: &Meaning,
        rules: &::ledger::Rules,
        now: Timestamp,
    ) -> Result<Applied, Error> {
        let work = [(leased.clone(), meaning.clone())];
        let applied = self.apply_all(&work, rules, now).await?;
        applied.into_iter().next().ok_or(Error::LeaseLost)
    }

    /// Applies many pieces of work, in their order, in one transaction. One that cannot be applied does not hold up the
    /// others: then each is applied in a transaction of its own, and the one at fault is marked as failed.
    ///
    /// # Errors
    /// [`Error`] of the database; then the work is as it was, or the answer was lost on the way: its leases run out.
    pub async fn apply_all(
        &self,
        work: &[(Leased, Meaning)],
        rules: &::ledger::Rules,
        now: Timestamp,
    ) -> Result<Vec<Applied>, Error> {
        match self.apply_together(work, rules, now).await {
            Err(error) if error.remedy() == Remedy::Never => {}
            outcome => return outcome,
        }
        let mut applied = Vec::with_capacity(work.len());
        for one in work {
            applied.push(self.apply_singly(one, rules, now).await?);
        }
        Ok(applied)
    }

    async fn apply_singly(
        &self,
        one: &(Leased, Meaning),
        rules: &::ledger::Rules,
        now: Timestamp,
    ) -> Result<Applied, Error> {
        match self.apply_together(std::slice::from_ref(one), rules, now).await {
            Ok(applied) => applied.into_iter().next().ok_or(Error::LeaseLost),
            Err(error) if error.remedy() == Remedy::Never => {
                self.fail(&one.0, &with_causes(&error), now).await
            }
            Err(error) => Err(error),
        }
    }

    async fn apply_together(
        &self,
        work: &[(Leased, Meaning)],
        rules: &::ledger::Rules,
        now: Timestamp,
    ) -> Result<Vec<Applied>, Error> {
        let mut tries = Tries::default();
        loop {
            match self.try_apply(work, rules, now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_apply(
        &self,
        work: &[(Leased, Meaning)],
        rules: &::ledger::Rules,
        now: Timestamp,
    ) -> Result<Vec<Applied>, Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        ledger::meet(&mut tx, work.iter().flat_map(|(_, meaning)| facts(meaning))).await?;
        let held = finish(&mut tx, work, now).await?;
        let is_held = |leased: &Leased| held.contains(&leased.work.get());
        // What the books hold is a function of the set of facts, so those of a whole batch are posted as one set.
        let facts = work.iter().filter(|(leased, _)| is_held(leased)).flat_map(|(_, meaning)| facts(meaning));
        ledger::post(&mut tx, facts, rules, now).await?;
        let applied: Vec<Applied> =
            work.iter().map(|(leased, meaning)| end(is_held(leased), meaning)).collect();
        let outcomes: Vec<Json> =
            work.iter().zip(&applied).filter_map(|((leased, _), applied)| outcome(leased, applied)).collect();
        if outcomes.is_empty() {
            tx.rollback().await?;
            return Ok(applied);
        }
        let object = format!("webhook_work/{}", outcomes.len());
        let detail = json!({ "applied": outcomes }).to_string();
        let entry = Entry::new(now, "worker", "webhooks.apply", &object, None, &detail)?;
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await?;
        Ok(applied)
    }
}

fn facts(meaning: &Meaning) -> &[Fact] {
    match meaning {
        Meaning::Facts(facts) => facts,
        Meaning::Unhandled(_) | Meaning::Test => &[],
    }
}

/// Marks the work as finished and says which of it was still held. It comes first and takes the rows: no one else
/// finishes them from here on.
async fn finish(
    tx: &mut Transaction<'_>,
    work: &[(Leased, Meaning)],
    now: Timestamp,
) -> Result<BTreeSet<i64>, Error> {
    let mut alike: BTreeMap<(&str, Option<String>, &str, u32), Vec<i64>> = BTreeMap::new();
    for (leased, meaning) in work {
        let (state, reason) = state(meaning);
        alike.entry((state, reason, &*leased.owner, leased.attempt)).or_default().push(leased.work.get());
    }
    let mut held = BTreeSet::new();
    for ((state, reason, owner, attempt), ids) in alike {
        for ids in ids.chunks(ROWS_MAX) {
            let mut statement =
                Statement::new("UPDATE webhook_work SET lease_owner = NULL, lease_until = NULL, state = ");
            statement.value(state).words(", last_error = ").value(reason.as_deref());
            statement.words(", finished_at = ").value(now);
            statement.words(" WHERE state = 'leased' AND lease_owner = ").value(owner);
            statement.words(" AND attempts = ").value(attempt);
            statement.among(" AND id IN", ids.iter().copied()).words(" RETURNING id");
            let (sql, values) = statement.finish();
            for row in tx.rows_made(sql, values).await? {
                held.insert(row.int("id")?);
            }
        }
    }
    Ok(held)
}

/// Its state once it is finished, and why when nothing came of it.
fn state(meaning: &Meaning) -> (&'static str, Option<String>) {
    match meaning {
        Meaning::Facts(_) | Meaning::Test => ("done", None),
        Meaning::Unhandled(why) => ("unhandled", Some(fail::bounded(&why.to_string()))),
    }
}

fn end(is_held: bool, meaning: &Meaning) -> Applied {
    match meaning {
        _ if !is_held => Applied::LeaseLost,
        Meaning::Facts(_) | Meaning::Test => Applied::Done,
        Meaning::Unhandled(_) => Applied::Unhandled,
    }
}

/// What the audit chain says of it; nothing when nothing was changed.
fn outcome(leased: &Leased, applied: &Applied) -> Option<Json> {
    let state = match applied {
        Applied::Done => "done",
        Applied::Unhandled => "unhandled",
        Applied::LeaseLost => return None,
        Applied::Failed { .. } => "failed",
        Applied::Dead { .. } => "dead",
    };
    Some(json!({ "work": leased.work, "event": leased.event, "attempt": leased.attempt, "state": state }))
}
