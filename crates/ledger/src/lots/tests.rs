//! The numbers of the recipes, worked by hand, and that no share and no cent is lost.

use std::collections::BTreeMap;

use domain::{Currency, ExternalId, Fact, FactKind, Money, Quantity, Side, Subject};
use jiff::Timestamp;
use proptest::prelude::{Strategy, any, prop_assert_eq, proptest};

use super::{Gain, Lot, Lots, is_wash_sale, lots};
use crate::order_independence::facts_of_a_holding;
use crate::{ChangeKind, ChangeStatus, Holding, Row, Rules, fold};

use Side::{Buy, Sell};

/// Noon of a day.
fn on(day: &str) -> Timestamp {
    format!("{day}T12:00:00Z").parse().unwrap()
}

fn fact(day: &str, kind: FactKind) -> Fact {
    let subject = Subject::Holding { account: "alpaca:a1".parse().unwrap(), symbol: "AAPL".parse().unwrap() };
    Fact { subject, at: on(day), kind }
}

fn id(id: &str) -> ExternalId {
    format!("alpaca:{id}").parse().unwrap()
}

fn usd(cents: i64) -> Money {
    Money::from_minor(cents, Currency::Usd)
}

/// An order of one execution.
fn trade(day: &str, side: Side, execution: &str, shares: &str, cents: i64) -> Fact {
    let (order, execution, cumulative) =
        (id(&format!("o-{execution}")), id(execution), shares.parse().unwrap());
    fact(day, FactKind::Fill { order, execution, side, cumulative, notional: usd(cents) })
}

fn bust(day: &str, execution: &str) -> Fact {
    fact(day, FactKind::Bust { execution: id(execution) })
}

fn split(day: &str, change: &str) -> Fact {
    fact(day, FactKind::Split { entry: id(&format!("split-{day}")), change: change.parse().unwrap() })
}

fn adjustment(day: &str, entry: &str, change: &str, cents: Option<i64>) -> Fact {
    let (entry, change, cost) = (id(entry), change.parse().unwrap(), cents.map(usd));
    fact(day, FactKind::Adjustment { entry, change, cost })
}

fn holding(facts: &[Fact]) -> Holding {
    let state = fold(&facts[0].subject, facts, &Rules::default()).unwrap();
    let Row::Holding(holding) = state.row else { panic!("expected a holding") };
    holding
}

fn lots_of(facts: &[Fact]) -> Lots {
    lots(&holding(facts), facts).unwrap()
}

/// Id, shares, and cents.
type OpenLine = (String, String, Option<i64>);
/// Id of the lot, shares, and proceeds, cost and gain in cents.
type GainLine = (String, String, [Option<i64>; 3]);

fn open(lots: &Lots) -> Vec<OpenLine> {
    let line = |lot: &Lot| (lot.id.id().to_owned(), lot.quantity.to_string(), lot.cost.map(Money::minor));
    lots.open.iter().map(line).collect()
}

fn gains(lots: &Lots) -> Vec<GainLine> {
    let line = |gain: &Gain| {
        let amounts = [gain.proceeds(), gain.cost(), gain.gain()].map(|money| money.map(Money::minor));
        (gain.lot.id.id().to_owned(), gain.lot.quantity.to_string(), amounts)
    };
    lots.gains.iter().map(line).collect()
}

fn line(lot: &str, shares: &str, proceeds: i64, cost: i64, gain: i64) -> GainLine {
    (lot.to_owned(), shares.to_owned(), [proceeds, cost, gain].map(Some))
}

fn lot(id: &str, shares: &str, cents: i64) -> OpenLine {
    (id.to_owned(), shares.to_owned(), Some(cents))
}

/// 10 at 150.25, then 5 at 160.00; 12 sold at 170.00.
fn bought_and_sold() -> Vec<Fact> {
    vec![
        trade("2026-01-05", Buy, "l1", "10", 150_250),
        trade("2026-01-06", Buy, "l2", "5", 80_000),
        trade("2026-02-02", Sell, "s1", "12", 204_000),
    ]
}

#[test]
fn a_sale_closes_the_first_lots() {
    let lots = lots_of(&bought_and_sold());
    // 2,040.00 less 1,502.50 and 2/5 of 800.00: 217.50.
    assert_eq!(
        gains(&lots),
        [line("l1", "10", 170_000, 150_250, 19_750), line("l2", "2", 34_000, 32_000, 2_000)]
    );
    assert_eq!(open(&lots), [lot("l2", "3", 48_000)]);
}

#[test]
fn a_bust_after_the_sale_folds_it_again() {
    let mut facts = bought_and_sold();
    facts.push(bust("2026-02-03", "l1"));
    let lots = lots_of(&facts);
    // 5 of l2 sold for 5/12 of 2,040.00, and 7 sold short for 1,190.00.
    assert_eq!(gains(&lots), [line("l2", "5", 85_000, 80_000, 5_000)]);
    assert_eq!(open(&lots), [lot("s1", "-7", -119_000)]);
}

#[test]
fn a_split_keeps_cost_and_dates() {
    let mut facts = bought_and_sold();
    facts.insert(2, split("2026-01-07", "135"));
    facts[3] = trade("2026-02-02", Sell, "s1", "120", 204_000);
    let lots = lots_of(&facts);
    assert_eq!(
        gains(&lots),
        [line("l1", "100", 170_000, 150_250, 19_750), line("l2", "20", 34_000, 32_000, 2_000)]
    );
    assert_eq!(lots.open[0].opened_at, on("2026-01-06"));
    // One for eight: 15 that cost 300.00 become 1.875. The parts of two lots are exact together.
    let facts = [
        trade("2026-01-05", Buy, "l1", "7", 14_000),
        trade("2026-01-06", Buy, "l2", "8", 16_000),
        split("2026-01-07", "-13.125"),
        trade("2026-01-08", Sell, "s1", "0.875", 15_000),
    ];
    let lots = lots_of(&facts);
    assert_eq!(gains(&lots), [line("l1", "0.875", 15_000, 14_000, 1_000)]);
    assert_eq!(open(&lots), [lot("l2", "1", 16_000)]);
}

#[test]
fn a_lot_of_which_a_split_leaves_nothing_gives_its_cost_to_the_next() {
    let facts = [
        trade("2026-01-05", Buy, "l1", "0.000000000001", 5),
        trade("2026-01-06", Buy, "l2", "9", 1_000),
        split("2026-01-07", "-8.1"),
    ];
    let total: Vec<_> = lots_of(&facts).open.iter().map(|lot| lot.cost.unwrap().minor()).collect();
    assert_eq!(
        (total, holding(&facts).position.quantity.to_string()),
        (vec![1_005], "0.900000000001".to_owned())
    );
}

#[test]
fn a_short_sale_is_gained_when_it_is_covered() {
    let facts = [
        trade("2026-01-05", Buy, "l1", "100", 500_000),
        trade("2026-01-06", Sell, "s1", "150", 900_000),
        trade("2026-01-07", Buy, "c1", "60", 300_000),
    ];
    let lots = lots_of(&facts);
    // 100 for 6,000.00 that cost 5,000.00; 50 short for 3,000.00, covered for 5/6 of 3,000.00; 10 more for 500.00.
    assert_eq!(
        gains(&lots),
        [line("l1", "100", 600_000, 500_000, 100_000), line("s1", "-50", 300_000, 250_000, 50_000)]
    );
    assert_eq!(open(&lots), [lot("c1", "10", 50_000)]);
    assert_eq!(lots.gains[1].is_long_term(), Some(false));
}

#[test]
fn without_a_cost_no_gain_is_known() {
    let mut facts = vec![
        adjustment("2026-01-05", "journal-1", "100", None),
        trade("2026-03-02", Sell, "s1", "20", 180_000),
    ];
    let before = lots_of(&facts);
    assert_eq!(gains(&before), [("journal-1".to_owned(), "20".to_owned(), [Some(180_000), None, None])]);
    assert_eq!(before.gains[0].is_long_term(), None);
    // The cost of the 80 that are left is reported later.
    facts.push(adjustment("2026-03-03", "journal-2", "0", Some(640_000)));
    assert_eq!(open(&lots_of(&facts)), [lot("journal-1", "80", 640_000)]);
}

#[test]
fn a_spin_off_takes_cost_off_each_lot_and_what_leaves_is_no_sale() {
    let facts = [
        trade("2026-01-05", Buy, "l1", "30", 300_000),
        trade("2026-01-06", Buy, "l2", "10", 100_000),
        adjustment("2026-01-07", "journal-1", "0", Some(-70_588)),
        adjustment("2026-01-08", "journal-2", "-35", Some(-288_236)),
    ];
    // 705.88 in the ratio 3:1 are 529.41 and 176.47; 35 leave l1 whole and half of l2: 411.77 of 823.53, and 411.76 stay.
    let lots = lots_of(&facts);
    assert_eq!((gains(&lots), open(&lots)), (vec![], vec![lot("l2", "5", 41_177)]));
    let removed: Vec<_> = lots.removed.iter().map(|lot| lot.cost.unwrap().minor()).collect();
    assert_eq!(removed, [247_059, 41_176]);
}

#[test]
fn a_reversed_journal_leaves_no_trace() {
    let mut facts = bought_and_sold();
    let lots = lots_of(&facts);
    facts.push(adjustment("2026-01-06", "journal-1", "100", None));
    facts.push(adjustment("2026-01-06", "journal-2", "-100", None));
    assert_eq!(lots_of(&facts), lots);
}

#[test]
fn a_gain_is_long_term_after_more_than_a_year() {
    for (bought, sold, expected) in [
        ("2025-03-02", "2026-03-02", false),
        ("2025-03-02", "2026-03-03", true),
        ("2024-02-29", "2025-02-28", false),
        ("2024-02-29", "2025-03-01", true),
    ] {
        let facts = [trade(bought, Buy, "l1", "1", 100), trade(sold, Sell, "s1", "1", 200)];
        assert_eq!(lots_of(&facts).gains[0].is_long_term(), Some(expected), "{bought} {sold}");
    }
}

#[test]
fn a_loss_near_another_buy_is_flagged() {
    for (again, cents, expected) in [
        (Some("2026-03-04"), 9_000, true),
        (Some("2026-03-05"), 9_000, false),
        (Some("2026-01-03"), 9_000, true),
        (Some("2026-01-02"), 9_000, false),
        (Some("2026-03-04"), 11_000, false),
        // Its own lot is no other buy.
        (None, 9_000, false),
    ] {
        let mut facts =
            vec![trade("2026-01-01", Buy, "l1", "10", 10_000), trade("2026-02-02", Sell, "s1", "10", cents)];
        facts.extend(again.map(|day| trade(day, Buy, "l2", "10", 10_000)));
        let lots = lots_of(&facts);
        assert_eq!(is_wash_sale(&lots.gains[0], &lots.opened), expected, "{again:?} {cents}");
    }
}

/// Trades, busts and splits, and adjustments between them.
fn facts_with_adjustments() -> impl Strategy<Value = Vec<Fact>> {
    let adjustment = (any::<i8>(), proptest::option::of(any::<i8>()), 0..6_i64);
    (facts_of_a_holding(), proptest::collection::vec(adjustment, 0..8)).prop_map(
        |(mut facts, adjustments)| {
            for (number, (change, cents, second)) in adjustments.into_iter().enumerate() {
                let (entry, cost) = (id(&format!("journal-{number}")), cents.map(|cents| usd(cents.into())));
                let change = change.to_string().parse().unwrap();
                let kind = FactKind::Adjustment { entry, change, cost };
                let at = Timestamp::from_second(second).unwrap();
                facts.push(Fact { subject: facts[0].subject.clone(), at, kind });
            }
            facts
        },
    )
}

proptest! {
    #[test]
    fn open_lots_are_the_position(facts in facts_with_adjustments()) {
        let sum = lots_of(&facts).open.iter().fold(Quantity::ZERO, |sum, lot| sum.plus(lot.quantity).unwrap());
        prop_assert_eq!(sum, holding(&facts).position.quantity);
    }

    /// What was paid is what open lots and closed ones cost, less what the latter brought.
    #[test]
    fn no_cent_is_lost(facts in facts_of_a_holding()) {
        let mut paid: BTreeMap<Currency, i64> = BTreeMap::new();
        for change in holding(&facts).changes.iter().filter(|change| change.status == ChangeStatus::Counted) {
            if let ChangeKind::Fill { side, notional, .. } = &change.kind {
                let sign = if *side == Buy { 1 } else { -1 };
                *paid.entry(notional.currency()).or_default() += sign * notional.minor();
            }
        }
        let lots = lots_of(&facts);
        let closed = lots.gains.iter().flat_map(|gain| [gain.lot.cost, Some(gain.money)]);
        for money in lots.open.iter().map(|lot| lot.cost).chain(closed) {
            *paid.entry(money.unwrap().currency()).or_default() -= money.unwrap().minor();
        }
        prop_assert_eq!(paid.into_values().filter(|left| *left != 0).count(), 0);
    }
}
