//! Worked by hand: fills by how much an order grew, cost pro rata, busts, splits, and impossible changes.

use domain::{Currency, Fact, FactKind, Money, OrderStatus, Side, Subject};
use jiff::Timestamp;

use crate::{ChangeStatus, Elsewhere, Holding, ReviewKind, Row, Rules, State, fold_incremental};

use Side::{Buy, Sell};

fn at(second: i64, kind: FactKind) -> Fact {
    let subject = Subject::Holding { account: "alpaca:a1".parse().unwrap(), symbol: "AAPL".parse().unwrap() };
    Fact { subject, at: Timestamp::from_second(second).unwrap(), kind }
}

fn usd(cents: i64) -> Money {
    Money::from_minor(cents, Currency::Usd)
}

/// `order` filled up to `cumulative` shares for `cents` by `execution`.
fn fill(second: i64, side: Side, order: &str, execution: &str, cumulative: &str, cents: i64) -> Fact {
    at(
        second,
        FactKind::Fill {
            order: format!("alpaca:{order}").parse().unwrap(),
            execution: format!("alpaca:{execution}").parse().unwrap(),
            side,
            cumulative: cumulative.parse().unwrap(),
            notional: usd(cents),
        },
    )
}

fn order(second: i64, side: Side, order: &str, status: OrderStatus, reserve: Option<i64>) -> Fact {
    let order = format!("alpaca:{order}").parse().unwrap();
    at(second, FactKind::Order { order, side, status, quantity: None, reserve: reserve.map(usd) })
}

fn bust(second: i64, execution: &str) -> Fact {
    at(second, FactKind::Bust { execution: format!("alpaca:{execution}").parse().unwrap() })
}

fn split(second: i64, entry: &str, change: &str) -> Fact {
    let entry = format!("alpaca:{entry}").parse().unwrap();
    at(second, FactKind::Split { entry, change: change.parse().unwrap() })
}

fn state(facts: &[Fact]) -> State {
    crate::fold(&facts[0].subject, facts, &Rules::default()).unwrap()
}

fn row(state: &State) -> &Holding {
    let Row::Holding(holding) = &state.row else { panic!("expected a holding") };
    holding
}

/// Shares, then in cents their cost, cash, money set aside, and the balance of securities clearing.
fn sums(state: &State) -> (String, i64, i64, i64, i64) {
    let position = row(state).position;
    let balance = |name: &str| -> i64 {
        let legs = state.postings.iter().flat_map(crate::Posting::legs);
        legs.filter(|leg| leg.account.to_string() == name).map(|leg| leg.money.minor()).sum()
    };
    (
        position.quantity.to_string(),
        position.cost.map_or(0, Money::minor),
        balance("user/alpaca:a1/fiat_exposure"),
        balance("user/alpaca:a1/pending_investment"),
        balance("system/securities_clearing"),
    )
}

fn holds(facts: &[Fact], expected: (&str, i64, i64, i64, i64)) -> State {
    let state = state(facts);
    let (shares, cost, cash, pending, clearing) = sums(&state);
    assert_eq!((shares.as_str(), cost, cash, pending, clearing), expected, "{facts:#?}");
    state
}

fn kinds(state: &State) -> Vec<ReviewKind> {
    state.reviews.iter().map(|review| review.kind).collect()
}

#[test]
fn a_fill_counts_by_how_much_its_order_grew() {
    // 4 shares for 400.00, 10 for 1,005.00: the second execution brings 6 for 605.00.
    let facts = [fill(1, Buy, "o1", "e1", "4", 40_000), fill(2, Buy, "o1", "e2", "10", 100_500)];
    let state = holds(&facts, ("10", 100_500, -100_500, 0, 100_500));
    assert_eq!(row(&state).changes[1].quantity.to_string(), "6");
    // The later one alone brings all; the earlier one then takes its part of it.
    holds(&facts[1..], ("10", 100_500, -100_500, 0, 100_500));
    // Repeated and outdated fills bring nothing.
    let late = fill(3, Buy, "o1", "e0", "2", 20_000);
    holds(
        &[facts[0].clone(), facts[1].clone(), facts[0].clone(), late],
        ("10", 100_500, -100_500, 0, 100_500),
    );
}

#[test]
fn a_sale_brings_money_and_takes_its_part_of_the_cost() {
    // 10 for 1,005.00; 4 sold for 480.00: 6/10 of the cost remain.
    let facts = [fill(1, Buy, "o1", "e1", "10", 100_500), fill(2, Sell, "o2", "e2", "4", 48_000)];
    holds(&facts, ("6", 60_300, -52_500, 0, 52_500));
}

#[test]
fn a_sale_of_more_than_the_position_is_short_until_the_missing_buy_is_reported() {
    let facts = [
        fill(2, Sell, "o2", "e2", "4", 48_000),
        fill(3, Buy, "o3", "e3", "1", 10_000),
        fill(1, Buy, "o1", "e1", "10", 100_500),
    ];
    let short = holds(&facts[..1], ("-4", -48_000, 48_000, 0, -48_000));
    assert_eq!(kinds(&short), [ReviewKind::BeyondHolding]);
    assert_eq!(row(&short).changes[0].status, ChangeStatus::Counted);
    // A later buy does not explain an earlier sale: it covers one of the four.
    let covered = holds(&facts[..2], ("-3", -36_000, 38_000, 0, -38_000));
    assert_eq!(kinds(&covered), [ReviewKind::BeyondHolding]);
    // The missing one does: 10 − 4 for 603.00, and 1 for 100.00; −1,005.00 + 480.00 − 100.00.
    let whole = holds(&facts, ("7", 70_300, -62_500, 0, 62_500));
    assert_eq!(kinds(&whole), []);
}

/// By hand: 100 sold at 50.00 and bought back at 45.00 leave nothing but the gain of 500.00.
#[test]
fn a_short_sale_and_its_cover_leave_no_shares() {
    let facts = [fill(1, Sell, "o1", "e1", "100", 500_000), fill(2, Buy, "o2", "e2", "100", 450_000)];
    holds(&facts[..1], ("-100", -500_000, 500_000, 0, -500_000));
    holds(&facts, ("0", 0, 50_000, 0, -50_000));
    // In two parts, with a reverse split between: 50 are covered, 50 become 5.
    let parts = [
        fill(2, Buy, "o2", "e2", "50", 225_000),
        split(3, "s1", "45"),
        fill(4, Buy, "o3", "e3", "5", 225_000),
    ];
    let parts = [&facts[..1], &parts[..]].concat();
    holds(&parts[..3], ("-5", -250_000, 275_000, 0, -275_000));
    holds(&parts, ("0", 0, 50_000, 0, -50_000));
}

/// 0.000000005 shares at 150.00 are 0.00000075 dollars: no money, and shares that the broker holds.
#[test]
fn shares_without_money_are_shares() {
    let facts = [
        fill(1, Buy, "o1", "e1", "0.000000005", 0),
        fill(2, Buy, "o2", "e2", "10", 150_000),
        // 1,500.00 for 10, and as much for 10.000001: the last millionth is worth 0.015 cents.
        fill(3, Buy, "o2", "e3", "10.000001", 150_000),
        fill(4, Sell, "o3", "e4", "10.000001", 160_000),
        fill(5, Sell, "o4", "e5", "0.000000005", 0),
    ];
    assert_eq!(kinds(&holds(&facts[..1], ("0.000000005", 0, 0, 0, 0))), []);
    assert_eq!(kinds(&holds(&facts[..3], ("10.000001005", 150_000, -150_000, 0, 150_000))), []);
    assert_eq!(kinds(&holds(&facts, ("0", 0, 10_000, 0, -10_000))), []);
    // Six more shares for nothing are no rounding.
    let free = [fill(1, Buy, "o1", "e1", "4", 40_000), fill(2, Buy, "o1", "e2", "10", 40_000)];
    assert_eq!(kinds(&state(&free)), [ReviewKind::Contradiction]);
}

/// A filled order has as many shares as it asked for (docs.alpaca.markets, `filled_qty`): 25 of 10 are wrong somewhere.
#[test]
fn an_order_is_not_filled_beyond_its_shares() {
    let asks = |second, shares: &str| {
        let order = "alpaca:o1".parse().unwrap();
        let quantity = Some(shares.parse().unwrap());
        at(second, FactKind::Order { order, side: Buy, status: OrderStatus::Open, quantity, reserve: None })
    };
    let (part, beyond) = (fill(2, Buy, "o1", "e1", "4", 40_000), fill(3, Buy, "o1", "e2", "25", 250_000));
    let facts = [asks(1, "10"), part, beyond];
    let reviewed = holds(&facts, ("4", 40_000, -40_000, 0, 40_000));
    assert_eq!(kinds(&reviewed), [ReviewKind::Overfilled]);
    assert_eq!(row(&reviewed).changes[1].status, ChangeStatus::Parked);
    // The order was changed to 25 in between, which is reported late.
    let explained = [&facts[..], &[asks(2, "25")]].concat();
    assert_eq!(kinds(&holds(&explained, ("25", 250_000, -250_000, 0, 250_000))), []);
}

#[test]
fn an_execution_that_counts_elsewhere_moves_nothing() {
    let facts = [fill(1, Buy, "o1", "e1", "4", 40_000), fill(2, Buy, "o1", "e2", "10", 100_500)];
    let before = state(&facts[1..]);
    // 10 − 4 for 1,005.00 − 400.00; a busted execution is none of the ten.
    for (status, expected) in [
        (ChangeStatus::Counted, ("6".to_owned(), 60_500, -60_500, 0, 60_500)),
        (ChangeStatus::Busted, ("10".to_owned(), 100_500, -100_500, 0, 100_500)),
    ] {
        let elsewhere = Elsewhere::from([("alpaca:e1".parse().unwrap(), status)]);
        let folded =
            crate::fold_holding(&row(&before).account, row(&before).symbol, &facts, &elsewhere).unwrap();
        assert_eq!(kinds(&folded), [ReviewKind::ExecutionElsewhere]);
        assert_eq!(row(&folded).changes[0].status, ChangeStatus::Parked);
        assert_eq!(sums(&folded), expected);
    }
}

#[test]
fn a_second_report_of_an_execution_with_other_figures_is_a_contradiction() {
    let first = fill(1, Buy, "o1", "e1", "4", 40_000);
    let same = fill(2, Buy, "o1", "e1", "4", 40_000);
    assert_eq!(kinds(&state(&[first.clone(), same])), []);
    let latest = Timestamp::from_second(1).unwrap();
    for other in [fill(2, Buy, "o1", "e1", "5", 40_000), fill(2, Buy, "o1", "e1", "4", 40_001)] {
        let all = [first.clone(), other.clone()];
        let contradicted = holds(&all, ("4", 40_000, -40_000, 0, 40_000));
        assert_eq!(kinds(&contradicted), [ReviewKind::Contradiction]);
        let before = state(&all[..1]);
        let (account, symbol) = (&row(&before).account, row(&before).symbol);
        assert_eq!(fold_incremental(row(&before), latest, &all[1..], &Elsewhere::new()).unwrap(), None);
        let diff = crate::fold_diff(account, symbol, &all, &all[1..], &Elsewhere::new()).unwrap();
        assert_eq!(kinds(&diff.state), [ReviewKind::Contradiction]);
    }
}

#[test]
fn money_is_set_aside_until_the_order_ends() {
    let placed = order(1, Buy, "o1", OrderStatus::Open, Some(110_000));
    let part = fill(2, Buy, "o1", "e1", "4", 40_000);
    holds(std::slice::from_ref(&placed), ("0", 0, -110_000, 110_000, 0));
    // 1,100.00 − 400.00 stay aside.
    holds(&[placed.clone(), part.clone()], ("4", 40_000, -110_000, 70_000, 40_000));
    for status in [
        OrderStatus::Canceled,
        OrderStatus::Expired,
        OrderStatus::Rejected,
        OrderStatus::Replaced,
        OrderStatus::Filled,
    ] {
        let ended = order(3, Buy, "o1", status, None);
        // Ended twice it is released once; an opening that arrives late does not set it aside again.
        let facts = [ended.clone(), placed.clone(), ended, part.clone()];
        holds(&facts, ("4", 40_000, -40_000, 0, 40_000));
    }
    // An order may cost more than was set aside.
    let dear = fill(2, Buy, "o1", "e1", "4", 120_000);
    holds(&[placed, dear], ("4", 120_000, -120_000, 0, 120_000));
    // A sale sets no money aside.
    holds(&[order(1, Sell, "o1", OrderStatus::Open, Some(5))], ("0", 0, 0, 0, 0));
}

#[test]
fn a_busted_execution_did_not_happen() {
    let facts = [
        fill(1, Buy, "o1", "e1", "4", 40_000),
        fill(2, Buy, "o1", "e2", "10", 100_500),
        bust(3, "e1"),
        // The order is filled 6 without e1; 8 is 2 more, for 806.00 − 605.00.
        fill(4, Buy, "o1", "e3", "8", 80_600),
    ];
    holds(&facts[..3], ("6", 60_500, -60_500, 0, 60_500));
    holds(&facts, ("8", 80_600, -80_600, 0, 80_600));
    // Busted before it is reported: under review until it is, and it never happens.
    let early = holds(&facts[2..3], ("0", 0, 0, 0, 0));
    assert_eq!(kinds(&early), [ReviewKind::UnknownExecution]);
    let late = fill(5, Buy, "o1", "e1", "4", 40_000);
    assert_eq!(kinds(&holds(&[bust(3, "e1"), late], ("0", 0, 0, 0, 0))), []);
}

#[test]
fn a_correction_busts_and_reports_again_at_one_instant() {
    // e1 was 4 for 400.00 and is 4 for 404.00: the order is 10 for 1,009.00.
    let facts = [
        fill(1, Buy, "o1", "e1", "4", 40_000),
        fill(2, Buy, "o1", "e2", "10", 100_500),
        bust(3, "e1"),
        fill(3, Buy, "o1", "e1b", "10", 100_900),
    ];
    holds(&facts, ("10", 100_900, -100_900, 0, 100_900));
}

#[test]
fn a_split_changes_shares_and_not_their_cost() {
    let bought = fill(1, Buy, "o1", "e1", "10", 100_500);
    let four_for_one = split(2, "s1", "30");
    holds(
        &[bought.clone(), four_for_one.clone(), four_for_one.clone()],
        ("40", 100_500, -100_500, 0, 100_500),
    );
    // An empty position cannot be split, until the earlier buy is reported.
    let parked = holds(&[four_for_one], ("0", 0, 0, 0, 0));
    assert_eq!(kinds(&parked), [ReviewKind::BeyondHolding]);
    let vanished = holds(&[bought, split(2, "s2", "-10")], ("10", 100_500, -100_500, 0, 100_500));
    assert_eq!(kinds(&vanished), [ReviewKind::BeyondHolding]);
}

#[test]
fn two_final_statuses_get_a_review_and_the_later_one_holds() {
    let facts = [
        order(1, Buy, "o1", OrderStatus::Canceled, None),
        order(2, Buy, "o1", OrderStatus::Filled, None),
        order(3, Buy, "o1", OrderStatus::Open, None),
    ];
    let state = state(&facts);
    assert_eq!(
        (row(&state).orders[0].status, kinds(&state)),
        (OrderStatus::Filled, vec![ReviewKind::Contradiction])
    );
}

#[test]
fn folding_incrementally_is_folding_all_facts() {
    let before = state(&[fill(1, Buy, "o1", "e1", "4", 40_000)]);
    let latest = Timestamp::from_second(1).unwrap();
    let new = [order(2, Buy, "o1", OrderStatus::Filled, None), fill(2, Buy, "o1", "e2", "10", 100_500)];
    let next = fold_incremental(row(&before), latest, &new, &Elsewhere::new()).unwrap().unwrap();
    assert_eq!((row(&next).position.quantity.to_string(), row(&next).changes.len()), ("10".to_owned(), 1));
    for needs_all in
        [bust(2, "e1"), fill(1, Buy, "o1", "e2", "10", 100_500), fill(2, Buy, "o1", "e1", "10", 100_500)]
    {
        assert_eq!(fold_incremental(row(&before), latest, &[needs_all], &Elsewhere::new()).unwrap(), None);
    }
}

/// Otherwise the row that was stored when the order was first reported would stay, and later folds would start from it.
#[test]
fn a_reported_order_exists_even_when_its_execution_belongs_to_another_order() {
    let older = [fill(20, Buy, "o2", "e1", "1", 100)];
    let earlier = fill(10, Buy, "o1", "e1", "1", 100);
    let all = [older[0].clone(), earlier.clone()];
    let orders: Vec<_> = row(&state(&all)).orders.iter().map(|order| order.id.to_string()).collect();
    assert_eq!(orders, ["alpaca:o1", "alpaca:o2"]);
    let before = state(&older);
    let (account, symbol) = (&row(&before).account, row(&before).symbol);
    let diff = crate::fold_diff(account, symbol, &all, &[earlier], &Elsewhere::new());
    let cumulative = |order: &crate::Order| order.cumulative.to_string();
    let orders: Vec<_> = row(&diff.unwrap().state).orders.iter().map(cumulative).collect();
    assert_eq!(orders, ["1", "0"]);
}
