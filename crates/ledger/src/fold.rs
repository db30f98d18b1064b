//! From the set of facts of a subject to its state.

use domain::{Fact, Money, Subject, What};

use crate::fault::Fault;
use crate::rules::Rules;
use crate::state::State;
use crate::{cash, customer, holding, transfer};

/// Most facts of an account, a transfer or an entry: a provider tells some ten of each.
pub const FACTS_MAX: usize = 1_000;
/// Most facts of a holding: 100,000 executions with their orders.
pub const HOLDING_FACTS_MAX: usize = 200_000;

/// Most facts that are kept of `subject`.
#[must_use]
pub const fn facts_max(subject: &Subject) -> usize {
    match subject {
        Subject::Holding { .. } => HOLDING_FACTS_MAX,
        Subject::Account(_) | Subject::Transfer(_) | Subject::CashEntry(_) => FACTS_MAX,
    }
}

/// What the facts of `subject` come to: `facts` is all of them, in any order, each any number of times, at most
/// [`facts_max`]. The same set gives the same state.
///
/// What the states of each subject are is the InvestIQ event table: a deposit is credited once when it settles; fills
/// count by how much their order's cumulative quantity grew; an execution that was taken back did not happen; shares are
/// sold pro rata of their cost; more shares than are held are not sold but parked.
///
/// # Errors
/// [`Fault`] when there is no fact, when one is not of this subject or holds a number that cannot be, and when a sum does
/// not fit. Contradictions are no fault.
pub fn fold(subject: &Subject, facts: &[Fact], rules: &Rules) -> Result<State, Fault> {
    check_all(subject, facts)?;
    match subject {
        Subject::Account(id) => customer::fold(id, facts),
        Subject::Transfer(id) => transfer::fold(id, facts, rules),
        Subject::Holding { account, symbol } => holding::fold(account, *symbol, facts),
        Subject::CashEntry(id) => cash::fold(id, facts, rules),
    }
}

/// Refuses more facts than are kept of `subject`, and any that [`check`] refuses.
pub(crate) fn check_all(subject: &Subject, facts: &[Fact]) -> Result<(), Fault> {
    let max = facts_max(subject);
    if facts.len() > max {
        return Err(Fault::TooMany { subject: subject.to_string(), max });
    }
    facts.iter().try_for_each(|fact| check(subject, fact))
}

/// Refuses a fact that is not of `subject`, or that holds a number which has to be above zero and is not.
pub(crate) fn check(subject: &Subject, fact: &Fact) -> Result<(), Fault> {
    let belongs = match (&fact.what, subject) {
        (What::Account { .. }, Subject::Account(_))
        | (What::Transfer { .. }, Subject::Transfer(_))
        | (
            What::Order { .. } | What::Fill { .. } | What::Bust { .. } | What::Split { .. },
            Subject::Holding { .. },
        )
        | (What::Cash { .. } | What::Superseded { .. }, Subject::CashEntry(_)) => true,
        (
            What::Account { .. }
            | What::Transfer { .. }
            | What::Order { .. }
            | What::Fill { .. }
            | What::Bust { .. }
            | What::Split { .. }
            | What::Cash { .. }
            | What::Superseded { .. },
            Subject::Account(_) | Subject::Transfer(_) | Subject::Holding { .. } | Subject::CashEntry(_),
        ) => false,
    };
    if !belongs || fact.subject != *subject {
        return Err(Fault::Misplaced { subject: subject.to_string() });
    }
    let wrong = |what| Err(Fault::NotPositive { what, subject: subject.to_string() });
    match &fact.what {
        What::Transfer { amount: Some(amount), .. } if !is_positive(*amount) => wrong("the amount"),
        What::Order { reserve: Some(reserve), .. } if !is_positive(*reserve) => wrong("a reserve"),
        What::Fill { notional, .. } if !is_positive(*notional) => wrong("a notional"),
        What::Fill { cumulative, .. } if *cumulative <= domain::Quantity::ZERO => {
            wrong("a cumulative quantity")
        }
        What::Account { .. }
        | What::Transfer { .. }
        | What::Order { .. }
        | What::Fill { .. }
        | What::Bust { .. }
        | What::Split { .. }
        | What::Cash { .. }
        | What::Superseded { .. } => Ok(()),
    }
}

const fn is_positive(money: Money) -> bool {
    money.minor() > 0
}

#[cfg(test)]
mod tests {
    use domain::{AccountStatus, Currency, Direction, TransferStatus};
    use domain::{Booking, ExternalId};

    use super::*;

    fn account(status: AccountStatus) -> Fact {
        Fact {
            subject: Subject::Account("alpaca:a1".parse().unwrap()),
            at: "2026-01-02T10:00:00Z".parse().unwrap(),
            what: What::Account { status },
        }
    }

    #[test]
    fn facts_of_another_subject_are_refused() {
        let fact = account(AccountStatus::Active);
        let other = Subject::Account("alpaca:a2".parse().unwrap());
        assert!(matches!(
            fold(&other, std::slice::from_ref(&fact), &Rules::default()),
            Err(Fault::Misplaced { .. })
        ));
        let transfer = Subject::Transfer("alpaca:a1".parse().unwrap());
        let misplaced = Fact { subject: transfer.clone(), ..fact };
        assert!(matches!(fold(&transfer, &[misplaced], &Rules::default()), Err(Fault::Misplaced { .. })));
    }

    #[test]
    fn nothing_is_folded_from_nothing() {
        let subject = Subject::Account("alpaca:a1".parse().unwrap());
        assert!(matches!(fold(&subject, &[], &Rules::default()), Err(Fault::Empty { .. })));
    }

    #[test]
    fn amounts_are_above_zero() {
        let id: ExternalId = "bridge:t1".parse().unwrap();
        let subject = Subject::Transfer(id);
        for minor in [0, -1] {
            let what = What::Transfer {
                account: None,
                direction: Some(Direction::Inbound),
                amount: Some(Money::from_minor(minor, Currency::Usdc)),
                status: TransferStatus::Pending,
                booking: Booking::Books,
            };
            let fact = Fact { subject: subject.clone(), at: jiff::Timestamp::UNIX_EPOCH, what };
            assert!(matches!(fold(&subject, &[fact], &Rules::default()), Err(Fault::NotPositive { .. })));
        }
    }

    #[test]
    fn more_facts_than_are_kept_are_refused() {
        let fact = account(AccountStatus::Active);
        let facts = vec![fact.clone(); FACTS_MAX + 1];
        assert!(matches!(fold(&fact.subject, &facts, &Rules::default()), Err(Fault::TooMany { .. })));
        assert!(fold(&fact.subject, &facts[1..], &Rules::default()).is_ok());
    }
}
