//! Which facts a subject may have, and how many.

use domain::{Fact, FactKind, Money, Quantity, Subject};

use crate::error::LedgerError;

/// Most facts of an account, a transfer or a cash entry: a provider reports about ten of each, and some repeat a status for days.
pub(crate) const FACTS_MAX: usize = 10_000;
/// Most facts of a holding: 100,000 executions with their orders.
pub(crate) const HOLDING_FACTS_MAX: usize = 200_000;

/// Most facts that are folded of `subject`. Further ones are for a person: [`ReviewKind::TooManyFacts`](crate::ReviewKind).
#[must_use]
pub const fn facts_max(subject: &Subject) -> usize {
    match subject {
        Subject::Holding { .. } => HOLDING_FACTS_MAX,
        Subject::Account(_) | Subject::Transfer(_) | Subject::CashEntry(_) | Subject::Journal(_) => FACTS_MAX,
    }
}

/// Refuses more than [`facts_max`] facts, and any fact that [`check`] refuses.
pub(crate) fn check_all(subject: &Subject, facts: &[Fact]) -> Result<(), LedgerError> {
    let max = facts_max(subject);
    if facts.len() > max {
        return Err(LedgerError::TooManyFacts { subject: subject.to_string(), max });
    }
    facts.iter().try_for_each(|fact| check(subject, fact))
}

/// Refuses a fact of another subject, and one with a zero or negative number that must be positive.
pub(crate) fn check(subject: &Subject, fact: &Fact) -> Result<(), LedgerError> {
    let applies = match subject {
        Subject::Account(_) => matches!(fact.kind, FactKind::Account { .. }),
        Subject::Transfer(_) => matches!(fact.kind, FactKind::Transfer { .. } | FactKind::Coins { .. }),
        Subject::Holding { .. } => matches!(
            fact.kind,
            FactKind::Order { .. }
                | FactKind::Fill { .. }
                | FactKind::Bust { .. }
                | FactKind::Split { .. }
                | FactKind::Adjustment { .. }
        ),
        Subject::CashEntry(_) => matches!(fact.kind, FactKind::Cash { .. } | FactKind::Superseded { .. }),
        Subject::Journal(_) => matches!(fact.kind, FactKind::Journal { .. }),
    };
    if !applies || fact.subject != *subject {
        return Err(LedgerError::WrongSubject { subject: subject.to_string() });
    }
    let not_positive = |what| Err(LedgerError::NotPositive { what, subject: subject.to_string() });
    match &fact.kind {
        FactKind::Transfer { amount: Some(amount), .. } if !is_positive(*amount) => not_positive("amount"),
        FactKind::Order { quantity: Some(quantity), .. } if *quantity <= Quantity::ZERO => {
            not_positive("quantity")
        }
        FactKind::Order { reserve: Some(reserve), .. } if !is_positive(*reserve) => not_positive("reserve"),
        // Zero is what less than half a cent is rounded to: the shares move all the same.
        FactKind::Fill { notional, .. } if notional.minor() < 0 => not_positive("notional"),
        FactKind::Fill { cumulative, .. } if *cumulative <= Quantity::ZERO => {
            not_positive("cumulative quantity")
        }
        FactKind::Account { .. }
        | FactKind::Transfer { .. }
        | FactKind::Coins { .. }
        | FactKind::Order { .. }
        | FactKind::Fill { .. }
        | FactKind::Bust { .. }
        | FactKind::Split { .. }
        | FactKind::Adjustment { .. }
        | FactKind::Cash { .. }
        | FactKind::Superseded { .. }
        | FactKind::Journal { .. } => Ok(()),
    }
}

const fn is_positive(money: Money) -> bool {
    money.minor() > 0
}
