//! Worked by hand: which system account is the counterpart of each kind of entry.

use domain::{CashKind, Currency, EntryStatus, Fact, FactKind, Money, PostingMode, Subject};
use jiff::Timestamp;

use crate::{Rules, State, fold};

fn entry(second: i64, kind: CashKind, minor: i64, status: EntryStatus) -> Fact {
    Fact {
        subject: Subject::CashEntry("alpaca:n1".parse().unwrap()),
        at: Timestamp::from_second(second).unwrap(),
        kind: FactKind::Cash {
            account: "alpaca:a1".parse().unwrap(),
            kind,
            amount: Money::from_minor(minor, Currency::Usd),
            status,
            posting_mode: PostingMode::Post,
        },
    }
}

fn superseded(second: i64) -> Fact {
    let kind = FactKind::Superseded { by: "alpaca:n2".parse().unwrap() };
    Fact { kind, ..entry(second, CashKind::Fee, 0, EntryStatus::Pending) }
}

fn state(facts: &[Fact]) -> State {
    fold(&facts[0].subject, facts, &Rules::default()).unwrap()
}

/// The effect of the first posting, then its legs as text.
fn legs(state: &State) -> Vec<String> {
    let Some(posting) = state.postings.first() else { return Vec::new() };
    let legs = posting.legs().iter().map(|leg| format!("{} {}", leg.account, leg.money.minor()));
    std::iter::once(posting.effect().to_owned()).chain(legs).collect()
}

#[test]
fn each_kind_has_its_own_counterpart() {
    for (kind, minor, effect, system) in [
        (CashKind::Dividend, 250, "dividend", "income"),
        (CashKind::Interest, 3, "interest", "income"),
        (CashKind::Fee, -99, "fee", "fees"),
        (CashKind::Tax, -38, "tax", "taxes"),
        (CashKind::Journal, 1_000, "journal", "broker_operational"),
        (CashKind::Journal, -1_000, "journal", "broker_operational"),
        (CashKind::Deposit, 50_000, "deposit", "clearing/alpaca"),
        (CashKind::Withdrawal, -20_000, "withdrawal", "clearing/alpaca"),
    ] {
        let state = state(&[entry(1, kind, minor, EntryStatus::Executed)]);
        let expected = [
            format!("cash/alpaca:n1/{effect}"),
            format!("user/alpaca:a1/fiat_exposure {minor}"),
            format!("system/{system} {}", -minor),
        ];
        assert_eq!(legs(&state), expected, "{kind:?}");
    }
}

#[test]
fn only_executed_entries_are_posted() {
    use EntryStatus::{Canceled, Executed, Pending};
    for (facts, is_posted) in [
        (vec![entry(1, CashKind::Dividend, 5, Pending)], false),
        (vec![entry(2, CashKind::Dividend, 5, Executed), entry(1, CashKind::Dividend, 5, Pending)], true),
        // Canceled stays canceled, in any order.
        (vec![entry(2, CashKind::Dividend, 5, Canceled), entry(1, CashKind::Dividend, 5, Executed)], false),
        (vec![entry(1, CashKind::Dividend, 5, Canceled), entry(2, CashKind::Dividend, 5, Executed)], false),
        (vec![entry(1, CashKind::Dividend, 5, Executed), superseded(2)], false),
        (vec![superseded(2)], false),
        (vec![entry(1, CashKind::Dividend, 0, Executed)], false),
    ] {
        assert_eq!(!legs(&state(&facts)).is_empty(), is_posted, "{facts:?}");
    }
}

#[test]
fn of_two_amounts_the_later_one_holds() {
    let facts = [
        entry(2, CashKind::Dividend, 7, EntryStatus::Executed),
        entry(1, CashKind::Dividend, 5, EntryStatus::Executed),
    ];
    let state = state(&facts);
    assert_eq!(legs(&state)[1], "user/alpaca:a1/fiat_exposure 7");
    assert_eq!(state.reviews.len(), 1);
}
