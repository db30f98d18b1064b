//! Compares the statement of a provider with the books.

use std::collections::BTreeMap;

use domain::{Date, Provider, StatementKind, StatementLine};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use store::{Actor, BookQuery, Compared, ReconciliationRun, Store, UnequalLine};

use crate::api::{Api, widened};
use crate::error::Error;
use crate::matching::{MARGIN, Scope, Statement, UNDATED, compare};
use crate::report::{Mismatch, MismatchKind, Report};

/// A period of days in UTC, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
}

/// A statement, compared with the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// The provider.
    pub provider: Provider,
    /// The first day in UTC.
    pub from: Date,
    /// The last day in UTC.
    pub to: Date,
    /// When the statement was read.
    pub at: Timestamp,
    /// What was found.
    #[serde(flatten)]
    pub report: Report,
}

impl Period {
    /// The last `days` days, the current one included.
    #[must_use]
    pub fn last(days: u32, now: Timestamp) -> Option<Self> {
        let to = ledger::Day::from_timestamp(now).ok()?.date;
        Some(Self { from: to.minus_days(days.saturating_sub(1)), to })
    }

    /// The days of a statement.
    #[must_use]
    pub fn of(statement: &Statement) -> Option<Self> {
        let (start, end) = statement.covers;
        let day = |at| ledger::Day::from_timestamp(at).ok().map(|day| day.date);
        Some(Self { from: day(start)?, to: day(end.saturating_sub(SignedDuration::from_micros(1)).ok()?)? })
    }

    /// The first instant, and the first after the period.
    fn instants(self) -> (Timestamp, Timestamp) {
        let start = |days: i32| Timestamp::from_second(i64::from(days) * 86_400).unwrap_or(Timestamp::MAX);
        (start(self.from.days()), start(self.to.days() + 1))
    }
}

/// Reads the statement of a provider and compares it with the books. It changes nothing.
///
/// # Errors
/// [`Error`]; nothing is known of the provider then.
pub async fn reconcile(
    store: &Store,
    api: &Api,
    period: Period,
    now: Timestamp,
) -> Result<Reconciliation, Error> {
    let accounts = match api.has_transfers_by_account() {
        true => store.provider_accounts(api.provider()).await?,
        false => Vec::new(),
    };
    let statement = api.statement(widened(period.instants()), &accounts).await?;
    with_books(store, api.provider(), statement, period, now).await
}

/// Compares a statement that was read from a file with the books. It changes nothing.
///
/// # Errors
/// [`Error::Store`].
pub async fn reconcile_statement(
    store: &Store,
    provider: Provider,
    mut statement: Statement,
    period: Period,
    now: Timestamp,
) -> Result<Reconciliation, Error> {
    let (from, to) = period.instants();
    statement.covers = (statement.covers.0.min(from), statement.covers.1.max(to));
    with_books(store, provider, statement, period, now).await
}

/// The lists that were not read, and of which no person said that they are not needed.
///
/// # Errors
/// The database query failed.
pub async fn missing_lists(
    store: &Store,
    reconciliation: &Reconciliation,
) -> Result<Vec<String>, store::Error> {
    let unneeded = store.unneeded_lists(reconciliation.provider).await?;
    let unread = reconciliation.report.unavailable.iter();
    Ok(unread.filter(|list| !unneeded.contains(*list)).cloned().collect())
}

/// Records a reconciliation, and opens and resolves the reviews of its differences.
///
/// # Errors
/// The database query failed.
pub async fn record(
    store: &Store,
    reconciliation: &Reconciliation,
    actor: Actor<'_>,
) -> Result<(), store::Error> {
    let Reconciliation { provider, from, to, at, report } = reconciliation;
    let run = ReconciliationRun {
        provider: *provider,
        from: *from,
        to: *to,
        at: *at,
        matched: report.lines_matched(),
        missing_here: report.count(MismatchKind::MissingHere),
        missing_there: report.count(MismatchKind::MissingThere),
        different: report.count(MismatchKind::Different),
        in_progress: report.count(MismatchKind::InProgress),
        not_compared: report.count(MismatchKind::NotCompared),
    };
    let period = Period { from: *from, to: *to };
    let compared = Compared {
        changed: period.instants(),
        complete: &report.complete,
        equal: &report.equal,
        unavailable: &report.unavailable,
    };
    let unequal: Vec<UnequalLine> = report.mismatches.iter().filter_map(unequal).collect();
    store.record_reconciliation(&run, &compared, &unequal, actor).await
}

fn unequal(mismatch: &Mismatch) -> Option<UnequalLine> {
    let line = mismatch.line().filter(|_| mismatch.kind != MismatchKind::NotCompared)?;
    let StatementLine { kind, id, account, symbol, quantity, amount, at, .. } = line;
    let content = || {
        let parts = [
            account.as_ref().map(ToString::to_string),
            Some(at.strftime("%Y-%m-%d").to_string()),
            symbol.map(|symbol| symbol.to_string()),
            quantity.map(|quantity| quantity.to_string()),
            amount.map(|amount| amount.to_string()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    let is_in_progress = mismatch.kind == MismatchKind::InProgress;
    let key = line.key().or_else(|| id.clone()).unwrap_or_else(content);
    // A state has no id of each change. Its figures tell what a person resolved from what changed since.
    let figures = if kind.is_state() && !is_in_progress { figures(mismatch) } else { String::new() };
    Some(UnequalLine {
        about: format!("{kind}/{key}{figures}"),
        account: account.as_ref().map(ToString::to_string),
        // A state is as of another time in each statement, except for the last change of a position.
        at: match (kind, &mismatch.here) {
            (StatementKind::Position, Some(here)) => here.at,
            _ if kind.is_state() => UNDATED,
            _ => *at,
        },
        is_in_progress,
    })
}

/// The quantity or the amount of both sides, such as ` 2.5 there, 3 here`; nothing if it is not known.
fn figures(mismatch: &Mismatch) -> String {
    let figure = |line: &StatementLine| match line.quantity {
        Some(quantity) => Some(quantity.to_string()),
        None => line.amount.map(|amount| amount.to_string()),
    };
    let sides = [("there", &mismatch.there), ("here", &mismatch.here)];
    let figures = sides
        .into_iter()
        .filter_map(|(side, line)| Some(format!(" {} {side}", line.as_ref().and_then(figure)?)));
    figures.collect::<Vec<_>>().join(",")
}

async fn with_books(
    store: &Store,
    provider: Provider,
    statement: Statement,
    period: Period,
    now: Timestamp,
) -> Result<Reconciliation, Error> {
    let mut ids: BTreeMap<StatementKind, Vec<String>> =
        statement.kinds.iter().map(|kind| (*kind, Vec::new())).collect();
    for line in &statement.lines {
        ids.entry(line.kind).or_default().extend(line.id.clone());
    }
    let instants = period.instants();
    let query = BookQuery { provider, changed: widened(instants), ids, as_of: statement.as_of };
    let books = store.book_lines(&query).await?;
    let settled_before = now.saturating_sub(MARGIN).unwrap_or(Timestamp::MIN);
    let report = compare(statement, books, &Scope { period: instants, settled_before });
    Ok(Reconciliation { provider, from: period.from, to: period.to, at: now, report })
}
