//! Which report, of what.

use strum::{Display, EnumString, VariantArray};

use crate::ledger::{AccountFilter, EntryFilter};

/// A report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ReportKind {
    /// Ledger entries, in the order in which they were recorded. For an export: it has a route of its own.
    Entries,
    /// Debits, credits and balance of each account in each currency.
    TrialBalance,
    /// The entries of an account or a holder in a period, with opening and closing balance.
    Statement,
    /// Positions with their cost.
    Holdings,
    /// Open tax lots, first in, first out.
    Lots,
    /// Realized gains, first in, first out.
    Gains,
}

/// A report with what it selects. [`check`](Self::check) tells what a report does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRequest {
    /// The report.
    pub kind: ReportKind,
    /// What it selects. Reports other than entries have no `subject`, `reference`, `currency`, `kind` and `provider`.
    pub filter: EntryFilter,
}

/// A parameter that a report needs, or does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {problem}")]
pub struct ReportFault {
    /// The parameter.
    pub parameter: &'static str,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl ReportKind {
    /// The reports that have a route and a name on the command line.
    pub const NAMED: [Self; 5] =
        [Self::TrialBalance, Self::Statement, Self::Holdings, Self::Lots, Self::Gains];

    /// The names of its columns.
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Entries => &super::entries::COLUMNS,
            Self::TrialBalance => &super::trial_balance::COLUMNS,
            Self::Statement => &super::statement::COLUMNS,
            Self::Holdings => &super::holdings::COLUMNS,
            Self::Lots => &super::lots::COLUMNS,
            Self::Gains => &super::lots::GAIN_COLUMNS,
        }
    }

    const fn has_period(self) -> bool {
        matches!(self, Self::Entries | Self::Statement | Self::Gains)
    }

    const fn is_of_shares(self) -> bool {
        matches!(self, Self::Holdings | Self::Lots | Self::Gains)
    }
}

impl ReportRequest {
    /// Whether the report has what is selected.
    ///
    /// # Errors
    /// [`ReportFault`], the first one.
    pub fn check(&self) -> Result<(), ReportFault> {
        let Self { kind, filter: EntryFilter { account, from, before, .. } } = self;
        let fault = |parameter, problem| Err(ReportFault { parameter, problem });
        match account {
            None if *kind == ReportKind::Statement => {
                fault("account", "a statement needs a holder or an account")
            }
            Some(AccountFilter::Account(_)) if kind.is_of_shares() => fault(
                "account",
                "must be a holder such as alpaca:a1: shares are not in accounts of the ledger",
            ),
            _ if from.is_some() && !kind.has_period() => {
                fault("effective_from", "this report has no period; as_of is its time")
            }
            _ if before.is_some() && !kind.has_period() => {
                fault("effective_before", "this report has no period; as_of is its time")
            }
            _ => Ok(()),
        }
    }
}
