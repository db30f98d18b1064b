//! The status of a customer's account.

use std::collections::BTreeSet;

use domain::{AccountStatus, ExternalId, Fact, FactKind};
use jiff::Timestamp;

use crate::error::LedgerError;
use crate::state::{Account, Review, ReviewKind, Row, State};

/// The status after all facts, in chronological order.
pub(crate) fn fold(id: &ExternalId, facts: &[Fact]) -> Result<State, LedgerError> {
    let statuses = chronological(facts);
    let Some(&(registered_at, first)) = statuses.first() else {
        return Err(LedgerError::NoFacts { subject: format!("account/{id}") });
    };
    let mut account = Account { id: id.clone(), status: first, status_at: registered_at, registered_at };
    let mut reviews = BTreeSet::new();
    for (at, status) in statuses {
        if status == account.status {
            continue;
        }
        if may_become(account.status, status) {
            account.status = status;
            account.status_at = at;
        } else {
            reviews.insert(Review { kind: ReviewKind::TransitionRefused, about: id.clone(), at });
        }
    }
    Ok(State { row: Row::Account(account), postings: Vec::new(), reviews: reviews.into_iter().collect() })
}

/// Statuses by time; at one instant, the status that is further along comes later.
fn chronological(facts: &[Fact]) -> BTreeSet<(Timestamp, AccountStatus)> {
    let status = |fact: &Fact| {
        if let FactKind::Account { status } = fact.kind { Some((fact.at, status)) } else { None }
    };
    facts.iter().filter_map(status).collect()
}

/// Whether an account may change from one status to the other: a closed account stays closed, and an open account is not
/// submitted or approved again.
const fn may_become(from: AccountStatus, to: AccountStatus) -> bool {
    match from {
        AccountStatus::Closed => false,
        AccountStatus::Active | AccountStatus::Restricted => {
            !matches!(to, AccountStatus::Submitted | AccountStatus::Approved)
        }
        AccountStatus::Submitted
        | AccountStatus::InReview
        | AccountStatus::Approved
        | AccountStatus::Rejected => true,
    }
}

#[cfg(test)]
mod tests {
    use domain::Subject;

    use super::*;
    use crate::{Rules, fold};

    fn folded(statuses: &[(i64, AccountStatus)]) -> (AccountStatus, usize) {
        let subject = Subject::Account("alpaca:a1".parse().unwrap());
        let facts: Vec<Fact> = statuses
            .iter()
            .map(|&(second, status)| Fact {
                subject: subject.clone(),
                at: Timestamp::from_second(second).unwrap(),
                kind: FactKind::Account { status },
            })
            .collect();
        let state = fold(&subject, &facts, &Rules::default()).unwrap();
        let Row::Account(account) = state.row else { panic!("expected an account") };
        (account.status, state.reviews.len())
    }

    #[test]
    fn late_reports_do_not_replace_the_latest_status() {
        use AccountStatus::{Active, Approved, Closed, Rejected, Restricted, Submitted};
        for (statuses, expected) in [
            (vec![(1, Submitted), (2, Approved), (3, Active)], (Active, 0)),
            (vec![(3, Active), (1, Submitted), (2, Approved)], (Active, 0)),
            (vec![(3, Restricted), (2, Active)], (Restricted, 0)),
            (vec![(1, Rejected), (2, Approved)], (Approved, 0)),
            // A refused transition leaves the status and adds a review.
            (vec![(1, Closed), (2, Active)], (Closed, 1)),
            (vec![(1, Active), (2, Submitted)], (Active, 1)),
            // At one instant the status that is further along holds.
            (vec![(1, Active), (1, Submitted)], (Active, 0)),
        ] {
            assert_eq!(folded(&statuses), expected, "{statuses:?}");
        }
    }
}
