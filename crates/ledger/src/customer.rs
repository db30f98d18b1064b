//! How a customer's account stands, by what was told of it.

use std::collections::BTreeSet;

use domain::{AccountStatus, ExternalId, Fact, What};
use jiff::Timestamp;

use crate::fault::Fault;
use crate::state::{Account, Review, ReviewKind, Row, State};

/// The standing that the facts come to when they are read in the order in which they became so.
pub(crate) fn fold(id: &ExternalId, facts: &[Fact]) -> Result<State, Fault> {
    let told = told(facts);
    let Some(&(registered_at, first)) = told.first() else {
        return Err(Fault::Empty { subject: format!("account/{id}") });
    };
    let mut account = Account { id: id.clone(), status: first, status_at: registered_at, registered_at };
    let mut reviews = BTreeSet::new();
    for (at, status) in told {
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

/// What was told, in the order in which it became so; at one instant, the standing that is further along is later.
fn told(facts: &[Fact]) -> BTreeSet<(Timestamp, AccountStatus)> {
    let standing = facts.iter().filter_map(|fact| match fact.what {
        What::Account { status } => Some((fact.at, status)),
        What::Transfer { .. }
        | What::Order { .. }
        | What::Fill { .. }
        | What::Bust { .. }
        | What::Split { .. }
        | What::Cash { .. }
        | What::Superseded { .. } => None,
    });
    standing.collect()
}

/// Whether an account may go from one standing to the other: a closed one stays closed, and an open one is not asked
/// for or accepted again.
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

    fn told(statuses: &[(i64, AccountStatus)]) -> (AccountStatus, usize) {
        let subject = Subject::Account("alpaca:a1".parse().unwrap());
        let facts: Vec<Fact> = statuses
            .iter()
            .map(|&(second, status)| Fact {
                subject: subject.clone(),
                at: Timestamp::from_second(second).unwrap(),
                what: What::Account { status },
            })
            .collect();
        let state = fold(&subject, &facts, &Rules::default()).unwrap();
        let Row::Account(account) = state.row else { panic!("an account") };
        (account.status, state.reviews.len())
    }

    #[test]
    fn what_became_so_last_holds_however_late_it_is_told() {
        use AccountStatus::{Active, Approved, Closed, Rejected, Restricted, Submitted};
        for (statuses, expected) in [
            (vec![(1, Submitted), (2, Approved), (3, Active)], (Active, 0)),
            (vec![(3, Active), (1, Submitted), (2, Approved)], (Active, 0)),
            (vec![(3, Restricted), (2, Active)], (Restricted, 0)),
            (vec![(1, Rejected), (2, Approved)], (Approved, 0)),
            // Refused transitions leave the standing and are to be looked at.
            (vec![(1, Closed), (2, Active)], (Closed, 1)),
            (vec![(1, Active), (2, Submitted)], (Active, 1)),
            // At one instant the standing that is further along holds.
            (vec![(1, Active), (1, Submitted)], (Active, 0)),
        ] {
            assert_eq!(told(&statuses), expected, "{statuses:?}");
        }
    }
}
