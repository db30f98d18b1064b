//! Worked by hand from the definitions of deposit, split, transfer and reversal of the money domain.

use domain::{Currency, Direction, Fact, FactKind, Money, PostingMode, Subject, TransferStatus};
use jiff::Timestamp;

use crate::{ReviewKind, Row, Rules, State, Transfer, fold};

use TransferStatus::{Failed, Pending, Returned, Settled};

fn usdc(minor: i64) -> Money {
    Money::from_minor(minor, Currency::Usdc)
}

/// A fact of `bridge:t1` at a second, inbound to `bridge:c1`.
fn fact(second: i64, status: TransferStatus, amount: Option<Money>) -> Fact {
    Fact {
        subject: Subject::Transfer("bridge:t1".parse().unwrap()),
        at: Timestamp::from_second(second).unwrap(),
        kind: FactKind::Transfer {
            account: Some("bridge:c1".parse().unwrap()),
            direction: Some(Direction::Inbound),
            amount,
            status,
            posting_mode: PostingMode::Post,
        },
    }
}

fn state(facts: &[Fact]) -> State {
    fold(&facts[0].subject, facts, &Rules::default()).unwrap()
}

fn row(state: &State) -> &Transfer {
    let Row::Transfer(transfer) = &state.row else { panic!("expected a transfer") };
    transfer
}

/// Balance of each account after all postings.
fn balances(state: &State) -> Vec<(String, i64)> {
    let mut sums = std::collections::BTreeMap::new();
    for leg in state.postings.iter().flat_map(crate::Posting::legs) {
        *sums.entry(leg.account.to_string()).or_insert(0) += leg.money.minor();
    }
    sums.into_iter().filter(|(_, sum)| *sum != 0).collect()
}

fn effects(state: &State) -> Vec<&str> {
    state.postings.iter().map(crate::Posting::effect).collect()
}

#[test]
fn a_deposit_is_credited_once_and_split_to_the_last_unit() {
    // 100.000001 USDC: 30 % is 30.0000003, down to 30.000000; the rest is 70.000001.
    let amount = Some(usdc(100_000_001));
    let state = state(&[fact(1, Pending, amount), fact(2, Settled, amount), fact(3, Settled, amount)]);
    let expected = [
        ("system/clearing/bridge", -100_000_001),
        ("user/bridge:c1/spending_balance", 70_000_001),
        ("user/bridge:c1/stash_balance", 30_000_000),
    ];
    assert_eq!(balances(&state), expected.map(|(account, minor)| (account.to_owned(), minor)));
    assert_eq!(effects(&state), ["transfer/bridge:t1/deposit", "transfer/bridge:t1/split"]);
    assert_eq!(row(&state).settled_at, Some(Timestamp::from_second(2).unwrap()));
}

#[test]
fn nothing_moves_before_it_settles_or_when_it_fails() {
    for statuses in [vec![Pending], vec![Pending, Failed], vec![Returned], vec![Settled, Failed]] {
        let facts: Vec<Fact> =
            (1..).zip(&statuses).map(|(second, status)| fact(second, *status, Some(usdc(5)))).collect();
        assert_eq!(balances(&state(&facts)), [], "{statuses:?}");
    }
}

#[test]
fn a_returned_deposit_is_reversed_on_every_account_it_reached() {
    let state = state(&[fact(3, Returned, None), fact(2, Settled, Some(usdc(10)))]);
    assert_eq!(row(&state).status, Returned);
    assert_eq!(
        effects(&state),
        ["transfer/bridge:t1/deposit", "transfer/bridge:t1/split", "transfer/bridge:t1/reversal"]
    );
    assert_eq!(balances(&state), []);
}

#[test]
fn the_settled_amount_overrides_the_announced_one() {
    let state = state(&[fact(1, Settled, Some(usdc(99))), fact(2, Pending, Some(usdc(100)))]);
    assert_eq!(row(&state).amount, Some(usdc(99)));
}

#[test]
fn fiat_money_arrives_whole_at_the_broker() {
    let state = state(&[fact(1, Settled, Some(Money::from_minor(12_345, Currency::Usd)))]);
    let expected = [("system/clearing/bridge", -12_345), ("user/bridge:c1/fiat_exposure", 12_345)];
    assert_eq!(balances(&state), expected.map(|(account, minor)| (account.to_owned(), minor)));
}

#[test]
fn withdrawals_leave_from_the_spending_balance() {
    let mut leaving = fact(1, Settled, Some(usdc(7)));
    let FactKind::Transfer { direction, .. } = &mut leaving.kind else { panic!("expected a transfer") };
    *direction = Some(Direction::Outbound);
    let expected = [("system/clearing/bridge", 7), ("user/bridge:c1/spending_balance", -7)];
    assert_eq!(balances(&state(&[leaving])), expected.map(|(account, minor)| (account.to_owned(), minor)));
}

#[test]
fn a_memo_is_not_posted() {
    let mut memo = fact(1, Settled, Some(usdc(7)));
    let FactKind::Transfer { posting_mode, .. } = &mut memo.kind else { panic!("expected a transfer") };
    *posting_mode = PostingMode::Memo;
    assert_eq!(balances(&state(&[memo.clone()])), []);
    // Reported both ways it is not posted, and gets a review.
    let both = state(&[memo, fact(1, Settled, Some(usdc(7)))]);
    assert_eq!(balances(&both), []);
    assert_eq!(both.reviews[0].kind, ReviewKind::Contradiction);
}

#[test]
fn a_transfer_without_an_amount_waits_for_it() {
    let facts = [fact(2, Settled, None), fact(1, Pending, Some(usdc(10)))];
    let before = state(&facts[..1]);
    assert_eq!((balances(&before).len(), before.reviews[0].kind), (0, ReviewKind::Incomplete));
    let after = state(&facts);
    assert_eq!((balances(&after).len(), after.reviews.len()), (3, 0));
}

#[test]
fn two_settled_amounts_get_a_review_and_the_later_one_holds() {
    let facts = [fact(2, Settled, Some(usdc(99))), fact(1, Settled, Some(usdc(100)))];
    let state = state(&facts);
    assert_eq!((row(&state).amount, state.reviews[0].kind), (Some(usdc(99)), ReviewKind::Contradiction));
}
