//! What a reconciliation found.

use std::collections::BTreeSet;

use domain::{Currency, Money, StatementKind, StatementLine};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

/// What a reconciliation found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Lines that are equal, by kind and currency.
    pub matched: Vec<Matched>,
    /// Lines without an equal one on the other side, by kind of mismatch.
    pub mismatches: Vec<Mismatch>,
    /// Lists that the API key does not have; what the books have of them is missing there.
    pub unavailable: Vec<String>,
    /// The kinds of which every list was read.
    #[serde(skip)]
    pub complete: BTreeSet<StatementKind>,
    /// Keys of the lines of other kinds that are equal.
    #[serde(skip)]
    pub equal: BTreeSet<(StatementKind, String)>,
}

/// How many lines are equal, and what they sum to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matched {
    /// What they are about.
    pub kind: StatementKind,
    /// Their currency; `None` if they have no amount.
    pub currency: Option<Currency>,
    /// Their number.
    pub lines: u64,
    /// Their sum in whole units, as a decimal text.
    #[serde(serialize_with = "serialize_text")]
    pub amount: Decimal,
}

/// A line without an equal one on the other side.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mismatch {
    /// Which side has it.
    pub kind: MismatchKind,
    /// The line of the provider.
    pub there: Option<StatementLine>,
    /// The line of the books.
    pub here: Option<StatementLine>,
    /// The fields that differ, or why the line was not compared.
    pub reason: String,
}

/// Which side has a line, and whether that is a difference.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, strum::Display, strum::IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum MismatchKind {
    /// The provider has it, and the books do not.
    MissingHere,
    /// The books have it, and the provider does not.
    MissingThere,
    /// Both have it, with other values.
    Different,
    /// It is too young to be a difference.
    InProgress,
    /// People post lines of its type by hand.
    NotCompared,
}

impl MismatchKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::MissingHere, Self::MissingThere, Self::Different, Self::InProgress, Self::NotCompared];

    /// Whether a person has to look at it.
    #[must_use]
    pub const fn is_difference(self) -> bool {
        matches!(self, Self::MissingHere | Self::MissingThere | Self::Different)
    }
}

impl Mismatch {
    /// The line of the provider, or else of the books.
    #[must_use]
    pub fn line(&self) -> Option<&StatementLine> {
        self.there.as_ref().or(self.here.as_ref())
    }
}

impl Matched {
    pub(crate) const fn new(kind: StatementKind, currency: Option<Currency>) -> Self {
        Self { kind, currency, lines: 0, amount: Decimal::ZERO }
    }

    pub(crate) fn add(&mut self, amount: Option<Money>) {
        self.lines += 1;
        self.amount = self.amount.saturating_add(amount.map(Money::to_decimal).unwrap_or_default());
    }
}

impl Report {
    /// Number of lines that are equal.
    #[must_use]
    pub fn lines_matched(&self) -> u64 {
        self.matched.iter().map(|matched| matched.lines).sum()
    }

    /// Number of lines with this mismatch.
    #[must_use]
    pub fn count(&self, kind: MismatchKind) -> u64 {
        self.mismatches.iter().filter(|mismatch| mismatch.kind == kind).count() as u64
    }

    /// What a person has to look at.
    pub fn differences(&self) -> impl Iterator<Item = &Mismatch> {
        self.mismatches.iter().filter(|mismatch| mismatch.kind.is_difference())
    }
}

fn serialize_text<S: Serializer>(amount: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(amount)
}
