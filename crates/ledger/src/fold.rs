//! From the set of facts of a subject to its state.

use domain::{Fact, Subject};

use crate::check::check_all;
use crate::error::LedgerError;
use crate::rules::Rules;
use crate::state::State;
use crate::{cash, customer_account, holding, journal, transfer};

/// The state of `subject`, from all of its facts: in any order, each any number of times, at most [`crate::facts_max`].
/// The same set of facts gives the same state.
///
/// The rules are those of the InvestIQ event table: a deposit is credited once, when it settles; a fill counts by how much
/// its order's cumulative quantity grew; a busted execution did not happen; shares are sold pro rata of their cost; a sale
/// of more shares than the position has is posted as a short one, and gets a review.
///
/// # Errors
/// [`LedgerError`] when there is no fact, when one is about another subject or has an invalid number, and when a sum is
/// out of range. Contradictions are not errors; they become reviews.
pub fn fold(subject: &Subject, facts: &[Fact], rules: &Rules) -> Result<State, LedgerError> {
    check_all(subject, facts)?;
    match subject {
        Subject::Account(id) => customer_account::fold(id, facts),
        Subject::Transfer(id) => transfer::fold(id, facts, rules),
        Subject::Holding { account, symbol } => {
            holding::fold_holding(account, *symbol, facts, &holding::Elsewhere::new())
        }
        Subject::CashEntry(id) => cash::fold(id, facts, rules),
        Subject::Journal(number) => journal::fold(*number, facts),
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        AccountStatus, Currency, Direction, ExternalId, FactKind, Money, PostingMode, TransferStatus,
    };

    use super::*;
    use crate::check::FACTS_MAX;

    fn account(status: AccountStatus) -> Fact {
        Fact {
            subject: Subject::Account("alpaca:a1".parse().unwrap()),
            at: "2026-01-02T10:00:00Z".parse().unwrap(),
            kind: FactKind::Account { status },
        }
    }

    #[test]
    fn facts_of_another_subject_are_refused() {
        let fact = account(AccountStatus::Active);
        let other = Subject::Account("alpaca:a2".parse().unwrap());
        assert!(matches!(
            fold(&other, std::slice::from_ref(&fact), &Rules::default()),
            Err(LedgerError::WrongSubject { .. })
        ));
        let transfer = Subject::Transfer("alpaca:a1".parse().unwrap());
        let misplaced = Fact { subject: transfer.clone(), ..fact };
        assert!(matches!(
            fold(&transfer, &[misplaced], &Rules::default()),
            Err(LedgerError::WrongSubject { .. })
        ));
    }

    #[test]
    fn folding_no_facts_is_an_error() {
        let subject = Subject::Account("alpaca:a1".parse().unwrap());
        assert!(matches!(fold(&subject, &[], &Rules::default()), Err(LedgerError::NoFacts { .. })));
    }

    #[test]
    fn amounts_must_be_positive() {
        let id: ExternalId = "bridge:t1".parse().unwrap();
        let subject = Subject::Transfer(id);
        for minor in [0, -1] {
            let kind = FactKind::Transfer {
                account: None,
                direction: Some(Direction::Inbound),
                amount: Some(Money::from_minor(minor, Currency::Usdc)),
                status: TransferStatus::Pending,
                posting_mode: PostingMode::Post,
            };
            let fact = Fact { subject: subject.clone(), at: jiff::Timestamp::UNIX_EPOCH, kind };
            assert!(matches!(
                fold(&subject, &[fact], &Rules::default()),
                Err(LedgerError::NotPositive { .. })
            ));
        }
    }

    #[test]
    fn too_many_facts_are_refused() {
        let fact = account(AccountStatus::Active);
        let facts = vec![fact.clone(); FACTS_MAX + 1];
        assert!(matches!(
            fold(&fact.subject, &facts, &Rules::default()),
            Err(LedgerError::TooManyFacts { .. })
        ));
        assert!(fold(&fact.subject, &facts[1..], &Rules::default()).is_ok());
    }
}
