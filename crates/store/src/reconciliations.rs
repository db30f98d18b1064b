//! Reconciliations that were run: their outcomes, and the reviews of their differences.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Date, Provider, StatementKind};
use jiff::Timestamp;
use serde_json::json;

use crate::actor::Actor;
use crate::database::{Operation, Row, Transaction, retry, sql, values};
use crate::error::Error;
use crate::store::Store;

/// Most reviews of one run. What differs beyond them is counted, and has one cause: a review for each would hide it.
pub const RECONCILIATION_REVIEWS_MAX: usize = 1_000;

/// The time of a line whose time is not known, in microseconds as the database keeps it: 9999-12-30T22:00:00Z.
pub const UNDATED: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// The kind of the reviews.
const KIND: &str = "reconciliation";

const INSERT: &str = "INSERT INTO reconciliations (provider, first_day, last_day, at, matched, missing_here, missing_there, \
    different, in_progress, not_compared) VALUES ";
const LATEST: &str = "SELECT * FROM reconciliations WHERE id IN (SELECT MAX(id) FROM reconciliations GROUP BY provider) \
    ORDER BY provider";
/// A review of a list is opened by the run that could not read it.
const LATEST_COMPLETE: &str = "SELECT provider, MAX(at) AS at FROM reconciliations r WHERE NOT EXISTS (SELECT 1 FROM reviews v \
    WHERE v.subject = 'reconciliation/' || r.provider AND v.kind = 'reconciliation' AND v.about LIKE 'list/%' \
    AND v.resolved_at IS NULL AND v.opened_at <= r.at) GROUP BY provider";
/// One that was resolved because the list was read has another time.
const UNNEEDED_LISTS: &str = "SELECT about FROM reviews WHERE subject = $1 AND kind = $2 AND about LIKE 'list/%' \
    AND resolved_by IS NOT NULL AND at = $3";
const OPEN_REVIEWS: &str = "SELECT id, about, at FROM reviews WHERE subject = $1 AND kind = $2 AND journal IS NULL \
    AND (resolved_at IS NULL OR at = $3)";
const OPEN: &str = "INSERT INTO reviews (subject, kind, about, account, at, opened_at) VALUES ";
/// One that a person resolved stays resolved until the line changes.
const OPEN_END: &str = " ON CONFLICT (subject, kind, about) DO UPDATE SET at = excluded.at, account = excluded.account, \
    opened_at = CASE WHEN reviews.resolved_at IS NULL THEN reviews.opened_at ELSE excluded.opened_at END, \
    resolved_at = NULL, resolved_by = NULL WHERE reviews.resolved_by IS NULL OR reviews.at <> excluded.at";
/// What has no time of its own gets that of its end, so that the same, if it comes back, is another change.
const RESOLVE: &str = "UPDATE reviews SET resolved_at = COALESCE(resolved_at, $1), at = CASE at WHEN $2 THEN $3 ELSE at END \
    WHERE id IN";

/// The outcome of a reconciliation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReconciliationRun {
    /// The provider.
    pub provider: Provider,
    /// The first day in UTC.
    pub from: Date,
    /// The last day in UTC.
    pub to: Date,
    /// When the statement was read.
    pub at: Timestamp,
    /// Lines that are equal.
    pub matched: u64,
    /// Lines that the books do not have.
    pub missing_here: u64,
    /// Lines that the provider does not have.
    pub missing_there: u64,
    /// Lines with other values.
    pub different: u64,
    /// Lines that are too young to be a difference.
    pub in_progress: u64,
    /// Lines that people post by hand.
    pub not_compared: u64,
}

/// What a reconciliation compared.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// The time within which lines were changed, without its end. States and lines without a time are compared as well.
    pub changed: (Timestamp, Timestamp),
    /// The kinds of which every list was read: their lines are equal unless they are among the unequal ones.
    pub complete: &'a BTreeSet<StatementKind>,
    /// Keys of the lines of other kinds that are equal.
    pub equal: &'a BTreeSet<(StatementKind, String)>,
    /// The lists that were not read, as path and reason.
    pub unavailable: &'a [String],
}

/// A line that a reconciliation did not find equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnequalLine {
    /// The kind and the id of the line; of a position or a balance that is a difference, then a space and its figures.
    pub about: String,
    /// Its account, if it is known.
    pub account: Option<String>,
    /// When it was last changed; [`UNDATED`] if that is not known. A person's resolution holds until it changes.
    pub at: Timestamp,
    /// Whether it is too young to be a difference: it gets no review, and keeps one that it has.
    pub is_in_progress: bool,
}

impl Store {
    /// Records a reconciliation: each difference and each list that was not read gets a review, and reviews of what is equal now
    /// are resolved.
    ///
    /// # Errors
    /// [`Error`] of the database; nothing is recorded, or the reply was lost.
    pub async fn record_reconciliation(
        &self,
        run: &ReconciliationRun,
        compared: &Compared<'_>,
        unequal: &[UnequalLine],
        actor: Actor<'_>,
    ) -> Result<(), Error> {
        let ReconciliationRun { provider, from, to, at, matched, .. } = run;
        let differences = run.missing_here + run.missing_there + run.different;
        let detail = json!({
            "from": from.to_string(),
            "to": to.to_string(),
            "matched": matched,
            "differences": differences,
            "lists_unavailable": compared.unavailable.len(),
        });
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Other).await?;
            let mut tx = writer.begin().await?;
            tx.insert_rows(INSERT, vec![run.values()?], "").await?;
            write_reviews(&mut tx, run, compared, unequal).await?;
            let entry =
                actor.entry("reconciliation.record", &format!("reconciliation/{provider}"), &detail, *at)?;
            self.commit(tx, entry).await
        })
        .await
    }

    /// The latest reconciliation of each provider.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn latest_reconciliations(&self) -> Result<Vec<ReconciliationRun>, Error> {
        self.read(Operation::Other, sql!(LATEST)).await?.iter().map(ReconciliationRun::from_row).collect()
    }
}

impl Store {
    /// When each provider was last reconciled with all lists that are needed.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn latest_complete_reconciliations(&self) -> Result<BTreeMap<Provider, Timestamp>, Error> {
        let rows = self.read(Operation::Other, sql!(LATEST_COMPLETE)).await?;
        rows.iter().map(|row| Ok((row.parsed("provider")?, row.time("at")?))).collect()
    }

    /// The lists that a person said are not needed, as [`Compared::unavailable`] names them.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn unneeded_lists(&self, provider: Provider) -> Result<BTreeSet<String>, Error> {
        let rows = self
            .read(Operation::Other, sql!(UNNEEDED_LISTS, format!("{KIND}/{provider}"), KIND, UNDATED))
            .await?;
        let list = |row: &Row| Ok(row.text("about")?.strip_prefix("list").unwrap_or_default().to_owned());
        rows.iter().map(list).collect()
    }
}

impl ReconciliationRun {
    fn values(&self) -> Result<Vec<crate::database::Value>, Error> {
        let Self { provider, from, to, at, matched, missing_here, missing_there, different, .. } = self;
        let number = |count: &u64| i64::try_from(*count).map_err(Error::encode);
        Ok(values![
            provider.as_str(),
            from.days(),
            to.days(),
            *at,
            number(matched)?,
            number(missing_here)?,
            number(missing_there)?,
            number(different)?,
            number(&self.in_progress)?,
            number(&self.not_compared)?,
        ])
    }

    fn from_row(row: &Row) -> Result<Self, Error> {
        let day = |column| Date::from_days(row.number(column)?).map_err(|_| Error::decode(column));
        Ok(Self {
            provider: row.parsed("provider")?,
            from: day("first_day")?,
            to: day("last_day")?,
            at: row.time("at")?,
            matched: row.number("matched")?,
            missing_here: row.number("missing_here")?,
            missing_there: row.number("missing_there")?,
            different: row.number("different")?,
            in_progress: row.number("in_progress")?,
            not_compared: row.number("not_compared")?,
        })
    }
}

impl Compared<'_> {
    /// Whether what is not unequal, and which this review is about, is equal and not merely unknown.
    fn is_equal(&self, about: &str, at: Timestamp) -> bool {
        let Some((kind, key)) = about.split_once('/') else { return false };
        // All others are lists.
        let Ok(kind) = kind.parse::<StatementKind>() else { return true };
        let (start, end) = self.changed;
        let is_known = self.complete.contains(&kind) || self.equal.contains(&(kind, key.to_owned()));
        is_known && (kind.is_state() || at == UNDATED || (start..end).contains(&at))
    }
}

/// A person who resolves the review says that the API key needs no such list.
fn unread_list(list: &str) -> UnequalLine {
    UnequalLine { about: format!("list{list}"), account: None, at: UNDATED, is_in_progress: false }
}

async fn write_reviews(
    tx: &mut Transaction<'_>,
    run: &ReconciliationRun,
    compared: &Compared<'_>,
    unequal: &[UnequalLine],
) -> Result<(), Error> {
    let subject = format!("{KIND}/{}", run.provider);
    let lists: Vec<UnequalLine> = compared.unavailable.iter().map(|list| unread_list(list)).collect();
    let unequal = || unequal.iter().chain(&lists);
    let abouts: BTreeSet<&str> = unequal().map(|line| line.about.as_str()).collect();
    let mut equal = Vec::new();
    for row in tx.fetch_all(sql!(OPEN_REVIEWS, &subject, KIND, UNDATED)).await? {
        let about = row.text("about")?;
        // One in progress has no figures.
        let line = about.split_once(' ').map_or(about.as_str(), |(line, _)| line);
        let is_unequal = abouts.contains(about.as_str()) || abouts.contains(line);
        if !is_unequal && compared.is_equal(&about, row.time("at")?) {
            equal.push(row.int("id")?);
        }
    }
    tx.fetch_in(sql!(RESOLVE, run.at, UNDATED, run.at), &equal, "").await?;
    // Each once, in a fixed order.
    let differences = unequal().filter(|line| !line.is_in_progress);
    let differences: BTreeMap<&str, &UnequalLine> =
        differences.map(|line| (line.about.as_str(), line)).collect();
    let review =
        |line: &UnequalLine| values![&subject, KIND, &line.about, line.account.clone(), line.at, run.at];
    let reviews = differences.into_values().take(RECONCILIATION_REVIEWS_MAX).map(review).collect();
    tx.insert_rows(OPEN, reviews, OPEN_END).await.map(drop)
}
