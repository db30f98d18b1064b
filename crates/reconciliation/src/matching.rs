//! Compares the lines of a statement with those of the books. Pure: the order of lines does not matter.
//!
//! Lines are matched by their ids; then cash entries and executions, and what has no id, by account, day, symbol, quantity
//! and amount, because the broker does not promise one id in all of its lists.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Currency, Date, ExternalId, Money, Quantity, StatementKind, StatementLine, StatementStatus, Symbol,
};
use jiff::{SignedDuration, Timestamp};
use ledger::Day;

use crate::report::{Matched, Mismatch, MismatchKind, Report};

/// What is younger than this is in progress, not missing: a report may be on its way, and a broker lists fees a day late. So is
/// what the books date this near to an end of the statement, which may have it a day earlier or later.
pub const MARGIN: SignedDuration = SignedDuration::from_hours(24);

/// The price of an execution is rounded twice, here as a difference of totals of its order.
const EXECUTION_TOLERANCE_MINOR: u64 = 2;

/// The time of an unread line without one, which is in every period.
pub(crate) const UNDATED: Timestamp = store::UNDATED;

/// The lines of a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// What can be compared.
    pub lines: Vec<StatementLine>,
    /// Lines that cannot be read as postings, with the reason.
    pub unread: Vec<UnreadLine>,
    /// Lists that the API key does not have.
    pub unavailable: Vec<String>,
    /// The kinds of those lists.
    pub incomplete: BTreeSet<StatementKind>,
    /// The kinds of which what it does not list is missing there.
    pub kinds: BTreeSet<StatementKind>,
    /// The time that it covers, without its end.
    pub covers: (Timestamp, Timestamp),
    /// The time as of which its positions and balances are.
    pub as_of: Timestamp,
}

/// A line that cannot be read as a posting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadLine {
    /// What is known of it.
    pub line: StatementLine,
    /// Why.
    pub reason: String,
    /// Whether it is of a type that people post by hand, under ids of their own.
    pub is_by_hand: bool,
}

/// What is compared: lines that were changed within a period, on either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The period, without its end.
    pub period: (Timestamp, Timestamp),
    /// Before this, states and lines must be equal: the current time less [`MARGIN`].
    pub settled_before: Timestamp,
}

/// What identifies a line without an id.
type Content =
    (StatementKind, Option<ExternalId>, Option<Date>, Option<Symbol>, Option<Quantity>, Option<Money>);

struct Comparison<'s> {
    scope: &'s Scope,
    incomplete: &'s BTreeSet<StatementKind>,
    equal: BTreeSet<(StatementKind, String)>,
    matched: BTreeMap<(StatementKind, Option<Currency>), Matched>,
    mismatches: Vec<Mismatch>,
}

/// Compares a statement with the books.
#[must_use]
pub fn compare(statement: Statement, books: Vec<StatementLine>, scope: &Scope) -> Report {
    let Statement { mut lines, unread, unavailable, incomplete, kinds, covers, as_of } = statement;
    let mut comparison = Comparison {
        scope,
        incomplete: &incomplete,
        equal: BTreeSet::new(),
        matched: BTreeMap::new(),
        mismatches: Vec::new(),
    };
    lines.sort_unstable();
    let mut here: BTreeMap<(StatementKind, Option<String>), Vec<StatementLine>> = BTreeMap::new();
    for line in books {
        here.entry((line.kind, line.key())).or_default().push(line);
    }
    let mut unmatched = Vec::new();
    for line in lines {
        let key = line.key();
        let same = here.get_mut(&(line.kind, key.clone())).filter(|_| key.is_some()).and_then(Vec::pop);
        match same {
            Some(same) => comparison.pair(line, same),
            None => unmatched.push(line),
        }
    }
    let mut by_content: BTreeMap<Content, Vec<StatementLine>> = BTreeMap::new();
    for line in here.into_values().flatten() {
        by_content.entry(content(&line)).or_default().push(line);
    }
    by_content.values_mut().for_each(|lines| lines.sort_unstable_by(|one, other| other.cmp(one)));
    for line in unmatched {
        let may_match = line.id.is_none() || has_several_ids(line.kind);
        match by_content.get_mut(&content(&line)).filter(|_| may_match).and_then(Vec::pop) {
            Some(same) => comparison.pair(line, same),
            None => comparison.missing_here(line),
        }
    }
    for line in by_content.into_values().flatten().filter(|line| kinds.contains(&line.kind)) {
        comparison.missing_there(line, covers, as_of);
    }
    unread.into_iter().for_each(|unread| comparison.unread(unread));
    Report { unavailable, complete: &kinds - &incomplete, ..comparison.into_report() }
}

const fn has_several_ids(kind: StatementKind) -> bool {
    matches!(kind, StatementKind::CashEntry | StatementKind::Execution)
}

fn content(line: &StatementLine) -> Content {
    let StatementLine { kind, id: _, account, symbol, quantity, amount, status: _, at } = line;
    let day = Day::from_timestamp(*at).ok().map(|day| day.date);
    // Prices of executions are rounded.
    let amount = amount.filter(|_| *kind != StatementKind::Execution);
    (*kind, account.clone(), day, *symbol, *quantity, amount)
}

impl Comparison<'_> {
    fn is_in_period(&self, line: &StatementLine) -> bool {
        let (from, to) = self.scope.period;
        line.kind.is_state() || (from..to).contains(&line.at)
    }

    fn is_young(&self, at: Timestamp) -> bool {
        at >= self.scope.settled_before
    }

    fn pair(&mut self, there: StatementLine, here: StatementLine) {
        if !self.is_in_period(&there) && !self.is_in_period(&here) {
            return;
        }
        let fields = differing(&there, &here);
        if fields.is_empty() {
            if self.incomplete.contains(&there.kind) {
                self.equal.extend(there.key().map(|key| (there.kind, key)));
            }
            let currency = there.amount.map(Money::currency);
            let entry = self.matched.entry((there.kind, currency));
            entry.or_insert_with(|| Matched::new(there.kind, currency)).add(there.amount);
            return;
        }
        let is_young = match there.kind {
            // It is of a past time, and changed since.
            StatementKind::Position => here.at > there.at,
            _ => self.is_young(there.at.max(here.at)),
        };
        let kind = if is_young { MismatchKind::InProgress } else { MismatchKind::Different };
        let reason = fields.join(", ");
        self.mismatches.push(Mismatch { kind, there: Some(there), here: Some(here), reason });
    }

    /// What is canceled or zero and only on one side has no effect on either.
    fn missing_here(&mut self, there: StatementLine) {
        let is_without_effect = is_nothing(&there) || there.status == Some(StatementStatus::Canceled);
        if self.is_in_period(&there) && !is_without_effect {
            let is_young = there.kind != StatementKind::Position && self.is_young(there.at);
            let kind = if is_young { MismatchKind::InProgress } else { MismatchKind::MissingHere };
            let reason = MismatchKind::MissingHere.to_string();
            self.mismatches.push(Mismatch { kind, there: Some(there), here: None, reason });
        }
    }

    fn missing_there(&mut self, here: StatementLine, covers: (Timestamp, Timestamp), as_of: Timestamp) {
        let is_without_effect = is_nothing(&here) || here.status == Some(StatementStatus::Canceled);
        if !self.is_in_period(&here) || is_without_effect {
            return;
        }
        let start = covers.0.saturating_add(MARGIN).unwrap_or(Timestamp::MAX);
        let end = covers.1.saturating_sub(MARGIN).unwrap_or(Timestamp::MIN);
        let is_young = match here.kind {
            StatementKind::Position => here.at > as_of,
            StatementKind::CashBalance => self.is_young(here.at),
            _ => self.is_young(here.at) || !(start..end).contains(&here.at),
        };
        let kind = if is_young { MismatchKind::InProgress } else { MismatchKind::MissingThere };
        let reason = MismatchKind::MissingThere.to_string();
        self.mismatches.push(Mismatch { kind, there: None, here: Some(here), reason });
    }

    fn unread(&mut self, UnreadLine { line, reason, is_by_hand }: UnreadLine) {
        if self.is_in_period(&line) || line.at == UNDATED {
            let kind = if is_by_hand { MismatchKind::NotCompared } else { MismatchKind::MissingHere };
            self.mismatches.push(Mismatch { kind, there: Some(line), here: None, reason });
        }
    }

    fn into_report(self) -> Report {
        let Self { matched, mut mismatches, equal, .. } = self;
        mismatches.sort_unstable();
        Report { matched: matched.into_values().collect(), mismatches, equal, ..Report::default() }
    }
}

/// Whether it is a position or a balance of zero, which a side may leave out.
fn is_nothing(line: &StatementLine) -> bool {
    match line.kind {
        StatementKind::Position => line.quantity.is_some_and(Quantity::is_zero),
        StatementKind::CashBalance => line.amount.is_some_and(Money::is_zero),
        StatementKind::Transfer | StatementKind::CashEntry | StatementKind::Execution => false,
    }
}

/// The names of the fields that both lines have and that differ.
fn differing(there: &StatementLine, here: &StatementLine) -> Vec<&'static str> {
    // A list of executions may still have one that was busted later, without a word.
    if here.status == Some(StatementStatus::Canceled) && there.status.is_none() {
        return Vec::new();
    }
    let is_amount = match (there.amount, here.amount) {
        (Some(one), Some(other)) if there.kind == StatementKind::Execution => {
            one.currency() == other.currency()
                && one.minor().abs_diff(other.minor()) <= EXECUTION_TOLERANCE_MINOR
        }
        (one, other) => is_same(one, other),
    };
    let fields = [
        ("account", is_same(there.account.as_ref(), here.account.as_ref())),
        ("symbol", is_same(there.symbol, here.symbol)),
        ("quantity", is_same(there.quantity, here.quantity)),
        ("amount", is_amount),
        ("status", is_same(there.status, here.status)),
    ];
    fields.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
}

fn is_same<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

#[cfg(test)]
mod tests;
