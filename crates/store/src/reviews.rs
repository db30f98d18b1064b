//! The review queue: what waits for a person, of facts and of events, and how it was resolved.

mod suggestions;

use domain::{AccountScope, ExternalId};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::actor::Actor;
use crate::database::{Operation, Row, sql};
use crate::error::Error;
use crate::event_reviews;
use crate::events::{EventSummary, PAGE_ROWS_MAX};
use crate::ids::{EventId, JournalId, ReviewId};
use crate::journals::{JournalError, refusable, resolve, select_of_review};
use crate::ledger::{EntryFilter, LedgerEntry};
use crate::store::Store;

pub use suggestions::{ReviewAction, SuggestedAction};

/// Every kind of review: those of facts as [`ledger::ReviewKind`] names them, then those of events and of
/// reconciliations.
pub const REVIEW_KINDS: [&str; 20] = [
    "beyond_holding",
    "currency_mixed",
    "overfilled",
    "execution_elsewhere",
    "unknown_execution",
    "contradiction",
    "incomplete",
    "repeated_entry",
    "coins_differ",
    "too_many_facts",
    "transition_refused",
    "by_hand",
    "conflict",
    "currency",
    "dead_letter",
    "reconciliation",
    "symbol",
    "unknown_status",
    "unknown_type",
    "unreadable",
];

/// Most facts and most entries of the details of a review, latest first.
const ROWS_MAX: u32 = 100;

const SELECT: &str = "SELECT * FROM reviews WHERE TRUE";
const FACTS: &str = "SELECT body FROM facts WHERE subject = $1 ORDER BY at DESC, id LIMIT $2";
const FIGURES: &str = "SELECT kind, COUNT(*) AS number, MIN(opened_at) AS oldest_at FROM reviews \
    WHERE resolved_at IS NULL GROUP BY kind";

/// Selects the reviews that meet every given condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewFilter {
    /// Of this kind: one of [`REVIEW_KINDS`].
    pub kind: Option<String>,
    /// About this account.
    pub account: Option<ExternalId>,
    /// Open ones, or resolved ones.
    pub is_open: Option<bool>,
}

/// A review as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReviewSummary {
    /// Its id.
    pub id: ReviewId,
    /// What is wrong: one of [`REVIEW_KINDS`].
    pub kind: String,
    /// The subject of the facts, such as `cash/alpaca:e1`, or the event, such as `event/42`.
    pub subject: String,
    /// The id of the order, execution, entry, transfer, account or event.
    pub about: String,
    /// The account, if it is known.
    pub account: Option<String>,
    /// The time of the fact or event that caused it.
    pub at: Timestamp,
    /// Since when it is open.
    pub opened_at: Timestamp,
    /// When it was resolved; `None` while it is open.
    pub resolved_at: Option<Timestamp>,
    /// Who resolved it; `None` if later facts did.
    pub resolved_by: Option<String>,
    /// Why it was last resolved by a person.
    pub resolution: Option<String>,
    /// The journal that it was last resolved with.
    pub journal: Option<JournalId>,
}

/// A review with what is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewDetail {
    /// The review as listed.
    pub summary: ReviewSummary,
    /// The facts of its subject, latest first, at most 100, as JSON.
    pub facts: Vec<Json>,
    /// The entries of its subject, latest first, at most 100.
    pub entries: Vec<LedgerEntry>,
    /// The pending journal that resolves it when it is approved.
    pub pending_journal: Option<JournalId>,
    /// Its event, if it is about one.
    pub event: Option<EventSummary>,
    /// What a person can do.
    pub suggestions: Vec<SuggestedAction>,
}

/// How many reviews are open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReviewFigures {
    /// Open reviews by kind; kinds without one are not listed.
    pub open: Vec<(String, u64)>,
    /// Since when the oldest is open.
    pub oldest_at: Option<Timestamp>,
}

impl Store {
    /// Up to `rows` reviews before a review, latest first.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn reviews(
        &self,
        filter: &ReviewFilter,
        before: Option<ReviewId>,
        rows: u32,
    ) -> Result<Vec<ReviewSummary>, Error> {
        let ReviewFilter { kind, account, is_open } = filter;
        let statement = sql!(SELECT).push_sql(match is_open {
            Some(true) => " AND resolved_at IS NULL",
            Some(false) => " AND resolved_at IS NOT NULL",
            None => "",
        });
        let statement = statement
            .push_optional(" AND kind = ", kind.as_deref())
            .push_optional(" AND account = ", account.as_ref().map(ToString::to_string))
            .push_optional(" AND id < ", before.map(ReviewId::get))
            .push_sql(" ORDER BY id DESC LIMIT ")
            .push_value(rows.clamp(1, PAGE_ROWS_MAX));
        self.read(Operation::Journals, statement).await?.iter().map(summary).collect()
    }

    /// A review with what is known.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn review(&self, id: ReviewId) -> Result<Option<ReviewDetail>, Error> {
        let rows =
            self.read(Operation::Journals, sql!(SELECT).push_sql(" AND id = ").push_value(id.get())).await?;
        let Some(summary) = rows.first().map(summary).transpose()? else { return Ok(None) };
        let facts = self.read(Operation::Journals, sql!(FACTS, &summary.subject, ROWS_MAX)).await?;
        let fact = |row: &Row| serde_json::from_str(&row.text("body")?).map_err(|_| Error::decode("body"));
        let facts = facts.iter().map(fact).collect::<Result<Vec<Json>, _>>()?;
        let of_subject = EntryFilter { subject: Some(summary.subject.clone()), ..EntryFilter::default() };
        let entries = self.entries(&AccountScope::All, &of_subject, None, ROWS_MAX).await?.entries;
        let event: Option<EventId> =
            summary.subject.strip_prefix(event_reviews::PREFIX).and_then(|id| id.parse().ok());
        let event = match event {
            Some(event) => self.event(event).await?.map(|detail| detail.summary),
            None => None,
        };
        let pending = self.read(Operation::Journals, select_of_review(id)).await?;
        let pending_journal =
            pending.first().map(|row| Ok::<_, Error>(JournalId::new(row.int("id")?))).transpose()?;
        let suggestions = suggestions::suggest(&summary, &entries);
        Ok(Some(ReviewDetail { summary, facts, entries, pending_journal, event, suggestions }))
    }

    /// Resolves an open review with a reason. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`JournalError`]; nothing is changed.
    pub async fn resolve_review(
        &self,
        id: ReviewId,
        reason: &str,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        ::ledger::check_reason(reason)?;
        let entry = actor
            .entry("reviews.resolve", &format!("reviews/{id}"), &json!({ "reason": reason }), now)
            .map_err(JournalError::from)?;
        let resolved = refusable(async || {
            let mut writer = self.shared.database.writer(Operation::Journals).await?;
            let mut tx = writer.begin().await?;
            resolve(&mut tx, id, (reason, None), actor.name, now).await?;
            self.commit(tx, entry.clone()).await?;
            Ok(())
        })
        .await;
        match resolved {
            Err(JournalError::ReviewResolved) if self.is_resolved_so(id, reason, actor).await? => Ok(()),
            resolved => resolved,
        }
    }

    /// Whether this person resolved the review with this reason.
    async fn is_resolved_so(&self, id: ReviewId, reason: &str, actor: Actor<'_>) -> Result<bool, Error> {
        let rows =
            self.read(Operation::Journals, sql!(SELECT).push_sql(" AND id = ").push_value(id.get())).await?;
        let Some(review) = rows.first().map(summary).transpose()? else { return Ok(false) };
        Ok(review.resolved_by.as_deref() == Some(actor.name) && review.resolution.as_deref() == Some(reason))
    }

    /// How many reviews are open, by kind.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn review_figures(&self) -> Result<ReviewFigures, Error> {
        let mut figures = ReviewFigures::default();
        for row in self.read(Operation::Business, sql!(FIGURES)).await? {
            figures.open.push((row.text("kind")?, row.number("number")?));
            let oldest_at = row.time("oldest_at")?;
            figures.oldest_at = Some(figures.oldest_at.map_or(oldest_at, |oldest| oldest.min(oldest_at)));
        }
        Ok(figures)
    }
}

fn summary(row: &Row) -> Result<ReviewSummary, Error> {
    Ok(ReviewSummary {
        id: ReviewId::new(row.int("id")?),
        kind: row.text("kind")?,
        subject: row.text("subject")?,
        about: row.text("about")?,
        account: row.optional_text("account")?,
        at: row.time("at")?,
        opened_at: row.time("opened_at")?,
        resolved_at: row.optional_time("resolved_at")?,
        resolved_by: row.optional_text("resolved_by")?,
        resolution: row.optional_text("resolution")?,
        journal: row.optional_int("journal")?.map(JournalId::new),
    })
}

#[cfg(test)]
mod tests {
    use ledger::ReviewKind;
    use strum::VariantArray as _;

    use super::*;

    #[test]
    fn the_kinds_of_facts_come_first() {
        let kinds: Vec<&str> = ReviewKind::VARIANTS.iter().map(<&str>::from).collect();
        assert_eq!(REVIEW_KINDS[..kinds.len()], kinds);
    }
}
