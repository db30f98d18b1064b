//! Journals: money and shares that people post by hand.
//!
//! A journal is a fact, posted as those of providers are. Above an amount it stays pending, and posts nothing until another
//! person approves it. A posted journal is never changed; a reversal is a journal of its own.

mod error;
mod post;
mod rows;

use domain::{Journal, Money};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use strum::{Display, EnumString, IntoStaticStr, VariantArray};

use crate::actor::Actor;
use crate::database::{Operation, Transaction, retry};
use crate::error::Error;
use crate::events::PAGE_ROWS_MAX;
use crate::ids::{JournalId, ReviewId};
use crate::store::Store;
use rows::Request;

pub use error::JournalError;
pub(crate) use post::resolve;
pub(crate) use rows::select_of_review;

/// The state of a journal. The last two are final.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Display, EnumString, IntoStaticStr, VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum JournalState {
    /// It posts nothing until another person approves it.
    Pending,
    /// Its lines are in the ledger.
    Posted,
    /// It was rejected and posts nothing.
    Rejected,
}

/// A stored journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JournalRecord {
    /// Its id; the subject of its transactions is `journal/` and this.
    pub id: JournalId,
    /// Its state.
    pub state: JournalState,
    /// What the person wrote.
    pub journal: Journal,
    /// The journal that it reverses.
    pub reverses: Option<JournalId>,
    /// The journal that reverses it, unless that was rejected.
    pub reversed_by: Option<JournalId>,
    /// The review that it resolves.
    pub review: Option<ReviewId>,
    /// Who made it.
    pub made_by: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Who approved or rejected it; `None` if it needed no approval.
    pub checked_by: Option<String>,
    /// When it was posted or rejected.
    pub decided_at: Option<Timestamp>,
    /// Why it was rejected.
    pub rejection: Option<String>,
}

/// How a journal is reversed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// Why.
    pub reason: String,
    /// Where the evidence is.
    pub evidence: Option<String>,
    /// When it takes effect; `None` is when the original did.
    pub effective_at: Option<Timestamp>,
    /// Whether it may take out more than is available.
    pub allow_overdraft: bool,
}

/// Who makes a journal, and under which rule.
#[derive(Clone, Copy, Debug)]
pub struct Maker<'a> {
    /// The person.
    pub actor: Actor<'a>,
    /// One key stands for one request of a person: a repeated request has the same result.
    pub idempotency_key: &'a str,
    /// A journal that moves more than this, in dollars, needs approval; zero: every journal.
    pub approval_above: Money,
}

impl Store {
    /// Makes a journal. It is posted at once, or pending if it needs approval.
    ///
    /// # Errors
    /// [`JournalError`]; nothing is stored.
    pub async fn create_journal(
        &self,
        journal: &Journal,
        maker: Maker<'_>,
        now: Timestamp,
    ) -> Result<JournalRecord, JournalError> {
        self.make(&Request::new(journal), maker, now).await
    }

    /// Reverses a posted journal with another one. Each is reversed once.
    ///
    /// # Errors
    /// [`JournalError`]; nothing is stored.
    pub async fn reverse_journal(
        &self,
        id: JournalId,
        reversal: &Reversal,
        maker: Maker<'_>,
        now: Timestamp,
    ) -> Result<JournalRecord, JournalError> {
        let rows = self.read(Operation::Journals, rows::select_one(id)).await?;
        let original = rows::proved(rows.first().ok_or(JournalError::NotFound)?, &self.shared.key.load())?;
        if original.state != JournalState::Posted {
            return Err(JournalError::State { id, state: original.state });
        }
        if original.reverses.is_some() {
            return Err(JournalError::Reversal(id));
        }
        let Reversal { reason, evidence, effective_at, allow_overdraft } = reversal.clone();
        let effective_at = effective_at.unwrap_or(original.journal.effective_at);
        let reversed = ::ledger::reversed(&original.journal)?;
        let journal = Journal { reason, evidence, effective_at, allow_overdraft, ..reversed };
        self.make(&Request { reverses: Some(id), ..Request::new(&journal) }, maker, now).await
    }

    /// Resolves a review with a journal, together. If the journal needs approval, the review stays open until then.
    ///
    /// # Errors
    /// [`JournalError`]; nothing is stored.
    pub async fn resolve_review_with_journal(
        &self,
        id: ReviewId,
        reason: &str,
        journal: &Journal,
        maker: Maker<'_>,
        now: Timestamp,
    ) -> Result<JournalRecord, JournalError> {
        let request = Request { review: Some((id, reason)), ..Request::new(journal) };
        let record = self.make(&request, maker, now).await?;
        // A repeated request: the review is not resolved.
        if record.state == JournalState::Rejected {
            return Err(JournalError::State { id: record.id, state: record.state });
        }
        Ok(record)
    }

    /// Approves and posts a pending journal. The person who made it cannot approve it, also with another API key that replaces the
    /// first one, or that one of both created.
    ///
    /// # Errors
    /// [`JournalError`]; nothing is changed.
    pub async fn approve_journal(
        &self,
        id: JournalId,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<JournalRecord, JournalError> {
        refusable(async || {
            let mut writer = self.shared.database.writer(Operation::Journals).await?;
            let mut tx = writer.begin().await?;
            let record = rows::lock(&mut tx, id, &self.shared.key.load()).await?;
            if record.state == JournalState::Posted && record.checked_by.as_deref() == Some(actor.name) {
                return Ok(record);
            }
            if record.state != JournalState::Pending {
                return Err(JournalError::State { id, state: record.state });
            }
            if self.may_be_one_person(&mut tx, &record.made_by, actor.name).await? {
                return Err(JournalError::OwnApproval(record.made_by));
            }
            post::lock_holders(&mut tx, &record.journal).await?;
            post::check_available(&mut tx, &record).await?;
            self.post_journal(
                tx,
                JournalRecord { checked_by: Some(actor.name.to_owned()), ..record },
                actor,
                now,
            )
            .await
        })
        .await
    }

    /// Rejects a pending journal, which posts nothing. Everybody may, also the person who made it.
    ///
    /// # Errors
    /// [`JournalError`]; nothing is changed.
    pub async fn reject_journal(
        &self,
        id: JournalId,
        reason: &str,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<JournalRecord, JournalError> {
        ::ledger::check_reason(reason)?;
        refusable(async || {
            let mut writer = self.shared.database.writer(Operation::Journals).await?;
            let mut tx = writer.begin().await?;
            let record = rows::lock(&mut tx, id, &self.shared.key.load()).await?;
            if record.rejection.as_deref() == Some(reason) {
                return Ok(record);
            }
            if record.state != JournalState::Pending {
                return Err(JournalError::State { id, state: record.state });
            }
            let (decision, key) = ((Some(actor.name), Some(reason)), self.shared.key.load());
            rows::decide(&mut tx, &record, JournalState::Rejected, decision, (now, &key)).await?;
            let detail = json!({ "state": JournalState::Rejected, "reason": reason });
            let entry = actor.entry("journals.reject", &object(id), &detail, now)?;
            let rejected = rows::find(&mut tx, id).await?;
            self.commit(tx, entry).await?;
            Ok(rejected)
        })
        .await
    }

    /// A journal.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn journal(&self, id: JournalId) -> Result<Option<JournalRecord>, Error> {
        let rows = self.read(Operation::Journals, rows::select_one(id)).await?;
        rows.first().map(rows::record).transpose()
    }

    /// Up to `rows` journals before a journal, latest first, in one state or all.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn journals(
        &self,
        state: Option<JournalState>,
        before: Option<JournalId>,
        rows: u32,
    ) -> Result<Vec<JournalRecord>, Error> {
        let statement = rows::select(state, before, rows.clamp(1, PAGE_ROWS_MAX));
        self.read(Operation::Journals, statement).await?.iter().map(rows::record).collect()
    }

    async fn make(
        &self,
        request: &Request<'_>,
        maker: Maker<'_>,
        now: Timestamp,
    ) -> Result<JournalRecord, JournalError> {
        ::ledger::check_journal(&request.journal, now)?;
        if let Some((_, reason)) = request.review {
            ::ledger::check_reason(reason)?;
        }
        refusable(async || self.try_make(request, maker, now).await).await
    }

    async fn try_make(
        &self,
        request: &Request<'_>,
        maker: Maker<'_>,
        now: Timestamp,
    ) -> Result<JournalRecord, JournalError> {
        let mut writer = self.shared.database.writer(Operation::Journals).await?;
        let mut tx = writer.begin().await?;
        let Some(id) = rows::insert(&mut tx, request, maker, now, &self.shared.key.load()).await? else {
            return rows::existing(&mut tx, request, maker).await;
        };
        let record = rows::find(&mut tx, id).await?;
        post::lock_holders(&mut tx, &record.journal).await?;
        post::check_available(&mut tx, &record).await?;
        if let Some((review, _)) = request.review {
            post::check_open(&mut tx, review).await?;
        }
        if !post::needs_approval(&mut tx, &record.journal, maker.approval_above).await? {
            return self.post_journal(tx, record, maker.actor, now).await;
        }
        let detail = json!({ "state": record.state, "sha256": hex::encode(request.digest()?), "reverses": record.reverses, "review": record.review });
        let entry = maker.actor.entry("journals.create", &object(id), &detail, now)?;
        self.commit(tx, entry).await?;
        Ok(record)
    }

    /// Posts a journal, resolves its review, and commits both with the audit entry.
    async fn post_journal(
        &self,
        mut tx: Transaction<'_>,
        record: JournalRecord,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<JournalRecord, JournalError> {
        let (decision, key) = ((record.checked_by.as_deref(), None), self.shared.key.load());
        rows::decide(&mut tx, &record, JournalState::Posted, decision, (now, &key)).await?;
        let (digest, batch) = post::post(&mut tx, &record, now, &key).await?;
        if let Some(original) = record.reverses {
            post::reopen(&mut tx, original, now).await?;
        }
        if let Some(review) = record.review {
            let reason = rows::resolution(&mut tx, record.id).await?;
            resolve(&mut tx, review, (&reason, Some(record.id)), &record.made_by, now).await?;
        }
        let action = if record.checked_by.is_some() { "journals.approve" } else { "journals.create" };
        let detail = json!({
            "state": JournalState::Posted, "sha256": digest, "made_by": record.made_by, "reverses": record.reverses,
            "review": record.review, "ledger": batch.detail(),
        });
        let posted = rows::find(&mut tx, record.id).await?;
        self.commit(tx, actor.entry(action, &object(record.id), &detail, now)?).await?;
        Ok(posted)
    }
}

fn object(id: JournalId) -> String {
    format!("journals/{id}")
}

/// Retries conflicts as [`retry`] does; a refusal is final.
pub(crate) async fn refusable<T, F>(mut transaction: impl FnMut() -> F) -> Result<T, JournalError>
where
    F: Future<Output = Result<T, JournalError>>,
{
    retry(|| {
        let attempt = transaction();
        async {
            match attempt.await {
                Err(JournalError::Store(error)) => Err(error),
                outcome => Ok(outcome),
            }
        }
    })
    .await?
}
