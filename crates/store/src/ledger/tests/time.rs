//! The books in earlier states: what had happened by a time, and what was known at one.

use std::collections::BTreeMap;

use domain::{
    AccountScope, CashKind, Currency, Direction, EntryStatus, Fact, FactKind, Money, OrderStatus,
    PostingMode, Quantity, Side, Subject, TransferStatus,
};
use jiff::Timestamp;
use ledger::{LedgerAccount, Row, Rules};

use super::day;
use super::fixture::{TestLedger, now, rows};
use crate::ledger::{EntryFilter, Moment};
use crate::reports::ReportKind;

pub(super) async fn all<F: Future<Output = TestLedger>>(mut open: impl FnMut() -> F) {
    facts_up_to_a_time_are_the_entries_up_to_it(&open().await).await;
    facts_recorded_by_a_time_are_the_entries_recorded_by_it(&open().await).await;
    a_correction_is_the_difference_of_what_was_known(&open().await).await;
    reports_have_the_numbers_of_the_recipes(&open().await).await;
    entries_are_selected_by_what_they_are_about(&open().await).await;
}

const FACTS: i64 = 100;

/// Knuth's linear congruential generator (MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[usize::try_from(self.below(i64::try_from(values.len()).unwrap())).unwrap()]
    }

    fn money(&mut self, currency: Currency) -> Money {
        Money::from_minor(self.below(500) + 1, currency)
    }

    /// Few ids, so that facts meet: repeat, contradict, return and bust each other.
    fn fact(&mut self, at: Timestamp) -> Fact {
        let number = self.below(4);
        let (subject, kind) = match self.below(10) {
            0..3 => (Subject::Transfer(format!("bridge:t{number}").parse().unwrap()), self.transfer()),
            3..5 => (Subject::CashEntry(format!("alpaca:n{number}").parse().unwrap()), self.cash()),
            _ => {
                let symbol = self.of(&["AAPL", "MSFT"]);
                let (account, kind) = ("alpaca:a1".parse().unwrap(), self.trade(symbol));
                (Subject::Holding { account, symbol: symbol.parse().unwrap() }, kind)
            }
        };
        Fact { subject, at, kind }
    }

    fn transfer(&mut self) -> FactKind {
        use TransferStatus::{Failed, Pending, Returned, Settled};
        FactKind::Transfer {
            account: Some("bridge:c1".parse().unwrap()).filter(|_| self.below(4) > 0),
            direction: Some(self.of(&[Direction::Inbound, Direction::Inbound, Direction::Outbound])),
            amount: Some(self.money(Currency::Usdc)),
            status: self.of(&[Pending, Settled, Settled, Failed, Returned]),
            posting_mode: self.of(&[
                PostingMode::Post,
                PostingMode::Post,
                PostingMode::Post,
                PostingMode::Memo,
            ]),
        }
    }

    fn cash(&mut self) -> FactKind {
        if self.below(6) == 0 {
            return FactKind::Superseded { by: "alpaca:n9".parse().unwrap() };
        }
        FactKind::Cash {
            account: "alpaca:a1".parse().unwrap(),
            kind: self.of(&[CashKind::Deposit, CashKind::Withdrawal, CashKind::Fee, CashKind::Dividend]),
            amount: self.money(Currency::Usd),
            status: self.of(&[EntryStatus::Executed, EntryStatus::Executed, EntryStatus::Canceled]),
            posting_mode: PostingMode::Post,
        }
    }

    fn trade(&mut self, symbol: &str) -> FactKind {
        use OrderStatus::{Canceled, Filled, Open};
        let mut id = |kind: &str, end| format!("alpaca:{kind}{}-{symbol}", self.below(end)).parse().unwrap();
        let (order, execution, entry) = (id("o", 3), id("e", 9), id("s", 9));
        let quantity = |tenths: i64| Quantity::new(rust_decimal::Decimal::new(tenths, 1)).unwrap();
        let side = self.of(&[Side::Buy, Side::Buy, Side::Sell]);
        match self.below(9) {
            0..2 => {
                let reserve = Some(self.money(Currency::Usd));
                FactKind::Order {
                    order,
                    side,
                    status: self.of(&[Open, Open, Filled, Canceled]),
                    quantity: None,
                    reserve,
                }
            }
            2 => FactKind::Bust { execution },
            3 => FactKind::Split { entry, change: quantity(self.below(20) - 5) },
            _ => {
                let (cumulative, notional) = (quantity(self.below(40) + 1), self.money(Currency::Usd));
                FactKind::Fill { order, execution, side, cumulative, notional }
            }
        }
    }
}

fn second(number: i64) -> Timestamp {
    Timestamp::from_second(1_772_000_000 + number).unwrap()
}

type Balances = BTreeMap<(String, Currency), i128>;

/// Every subject of the facts folded alone: the sums of postings, and the positions that are not zero.
fn folded<'f>(facts: impl IntoIterator<Item = &'f Fact>) -> (Balances, BTreeMap<String, Quantity>) {
    let mut subjects: BTreeMap<&Subject, Vec<Fact>> = BTreeMap::new();
    for fact in facts {
        subjects.entry(&fact.subject).or_default().push(fact.clone());
    }
    let (mut balances, mut positions) = (Balances::new(), BTreeMap::new());
    for (subject, facts) in subjects {
        let state = ledger::fold(subject, &facts, &Rules::default()).unwrap();
        for leg in state.postings.iter().flat_map(ledger::Posting::legs) {
            let key = (leg.account.to_string(), leg.money.currency());
            *balances.entry(key).or_default() += i128::from(leg.money.minor());
        }
        if let Row::Holding(holding) = state.row
            && !holding.position.quantity.is_zero()
        {
            positions.insert(holding.symbol.to_string(), holding.position.quantity);
        }
    }
    balances.retain(|_, minor| *minor != 0);
    (balances, positions)
}

async fn balances(ledger: &TestLedger, moment: Moment) -> Balances {
    let page = ledger.store.account_balances((&AccountScope::All, None), moment, None, 500).await.unwrap();
    assert_eq!(page.next_after, None);
    let posted = page.balances.into_iter().map(|balance| (balance.posted, balance.account));
    let balances = posted.map(|(posted, account)| ((account, posted.currency()), posted.minor()));
    balances.filter(|(_, minor)| *minor != 0).collect()
}

/// The facts arrive as they happen. Each time is then a cut through the books: what covers a shortfall is posted later.
async fn facts_up_to_a_time_are_the_entries_up_to_it(ledger: &TestLedger) {
    let mut random = Random(1);
    let facts: Vec<Fact> = (0..FACTS).map(|number| random.fact(second(number / 2))).collect();
    for same_time in facts.chunk_by(|one, other| one.at == other.at) {
        ledger.post(same_time).await;
    }
    let account = "alpaca:a1".parse().unwrap();
    let (mut before, mut changes) = (Balances::new(), 0);
    for number in 0..FACTS / 2 {
        let moment = Moment { as_of: Some(second(number)), known_at: None };
        let (expected, positions) = folded(facts.iter().filter(|fact| fact.at <= second(number)));
        let found = balances(ledger, moment).await;
        assert_eq!(found, expected, "{number}");
        changes += usize::from(found != before);
        before = found;
        let portfolio =
            ledger.store.past_portfolio(&AccountScope::All, &account, moment).await.unwrap().unwrap();
        let found: BTreeMap<String, Quantity> =
            portfolio.positions.iter().map(|each| (each.symbol.to_string(), each.quantity)).collect();
        assert_eq!(found, positions, "{number}");
    }
    assert!(changes > 10, "{changes}");
}

/// The facts arrive in any order, one to three at once.
async fn facts_recorded_by_a_time_are_the_entries_recorded_by_it(ledger: &TestLedger) {
    let mut random = Random(2);
    let mut any = || {
        let at = second(random.below(40));
        random.fact(at)
    };
    let facts: Vec<Fact> = (0..FACTS).map(|_| any()).collect();
    let mut recorded = 0;
    let mut ends = Vec::new();
    while recorded < facts.len() {
        let end = (recorded + usize::try_from(random.below(3)).unwrap() + 1).min(facts.len());
        let at = second(i64::try_from(1_000 + end).unwrap());
        ledger.post_at(&facts[recorded..end], at).await;
        ends.push((end, at));
        recorded = end;
    }
    for (end, at) in ends {
        let moment = Moment { as_of: None, known_at: Some(at) };
        // What covers a shortfall is between the accounts of one holder.
        let (expected, found) = (folded(&facts[..end]).0, balances(ledger, moment).await);
        assert_eq!(of_holders(found), of_holders(expected), "{end}");
    }
}

fn of_holders(balances: Balances) -> Balances {
    let mut sums = Balances::new();
    for ((account, currency), minor) in balances {
        let account = match account.parse().unwrap() {
            LedgerAccount::User(holder, _) => holder.to_string(),
            LedgerAccount::System(_) => account,
        };
        *sums.entry((account, currency)).or_default() += minor;
    }
    sums.retain(|_, minor| *minor != 0);
    sums
}

fn buys_and_a_sale() -> [Fact; 3] {
    [
        day::fill("14:00:00", "AAPL", ("alpaca:o1", "alpaca:l1"), Side::Buy, ("10", 150_250)),
        day::fill("14:01:00", "AAPL", ("alpaca:o2", "alpaca:l2"), Side::Buy, ("5", 80_000)),
        day::fill("15:00:00", "AAPL", ("alpaca:o3", "alpaca:s1"), Side::Sell, ("12", 204_000)),
    ]
}

fn bust() -> Fact {
    day::holding("16:00:00", "AAPL", FactKind::Bust { execution: "alpaca:l1".parse().unwrap() })
}

/// 10 for 1,502.50 and 5 for 800.00, of which 12 are sold for 2,040.00; then it turns out that the first were not bought.
async fn a_correction_is_the_difference_of_what_was_known(ledger: &TestLedger) {
    let later: Timestamp = "2026-03-02T21:00:00Z".parse().unwrap();
    ledger.post(&buys_and_a_sale()).await;
    ledger.post_at(&[bust()], later).await;
    let holder = "alpaca:a1".parse().unwrap();
    let state = async |as_of: Option<&str>, known_at: Option<Timestamp>| {
        let as_of = as_of.map(|clock| format!("2026-03-02T{clock}Z").parse().unwrap());
        let moment = Moment { as_of, known_at };
        let portfolio =
            ledger.store.past_portfolio(&AccountScope::All, &holder, moment).await.unwrap().unwrap();
        let cash: i128 = portfolio.balances.iter().map(|(_, total)| total.minor()).sum();
        let position = &portfolio.positions[0];
        (cash, position.quantity.to_string(), position.cost.unwrap().minor())
    };
    // 2,040.00 − 1,502.50 − 800.00; 3/15 of the cost of 15.
    let before = (-26_250, "3".to_owned(), 46_050);
    // 1,502.50 more; of 12 sold, 7 are short for 7/12 of 2,040.00.
    let after = (124_000, "-7".to_owned(), -119_000);
    assert_eq!(state(None, Some(now())).await, before);
    assert_eq!(state(None, Some(later)).await, after);
    assert_eq!(state(None, None).await, after);
    // The bust happened at 16:00.
    assert_eq!(state(Some("15:59:59"), None).await, before);
    assert_eq!(state(Some("16:00:00"), None).await, after);
    assert_eq!(state(Some("16:00:00"), Some(now())).await, before);
    assert_eq!(state(Some("14:00:30"), None).await, (-150_250, "10".to_owned(), 150_250));
}

fn of(account: &str) -> EntryFilter {
    EntryFilter { account: Some(account.parse().unwrap()), ..EntryFilter::default() }
}

async fn reports_have_the_numbers_of_the_recipes(ledger: &TestLedger) {
    let later: Timestamp = "2026-03-02T21:00:00Z".parse().unwrap();
    ledger.post(&buys_and_a_sale()).await;
    ledger.post_at(&[bust()], later).await;
    let known =
        |filter: EntryFilter| EntryFilter { moment: Moment { as_of: None, known_at: Some(now()) }, ..filter };
    let all = EntryFilter::default;
    let lots = rows(ledger, ReportKind::Lots, &known(all())).await;
    assert_eq!(lots, ["alpaca:a1,AAPL,alpaca:l2,2026-03-02T14:01:00Z,3,480.00,USD"]);
    let lots = rows(ledger, ReportKind::Lots, &all()).await;
    assert_eq!(lots, ["alpaca:a1,AAPL,alpaca:s1,2026-03-02T15:00:00Z,-7,-1190.00,USD"]);
    let gains = rows(ledger, ReportKind::Gains, &known(all())).await;
    let (first, second) = ("2026-03-02T14:00:00Z", "2026-03-02T14:01:00Z");
    // 1,700.00 + 340.00 less 1,502.50 + 320.00.
    assert_eq!(
        gains,
        [
            format!(
                "alpaca:a1,AAPL,long,10,{first},2026-03-02T15:00:00Z,alpaca:l1,alpaca:s1,1700.00,1502.50,197.50,USD,short,false"
            ),
            format!(
                "alpaca:a1,AAPL,long,2,{second},2026-03-02T15:00:00Z,alpaca:l2,alpaca:s1,340.00,320.00,20.00,USD,short,false"
            ),
        ]
    );
    let tomorrow = EntryFilter { from: Some("2026-03-03T00:00:00Z".parse().unwrap()), ..all() };
    assert_eq!(rows(ledger, ReportKind::Gains, &tomorrow).await, Vec::<String>::new());
    // The ledger's own cost is the average: 3/15 of 2,302.50.
    assert_eq!(rows(ledger, ReportKind::Holdings, &known(all())).await, ["alpaca:a1,AAPL,3,460.50,USD"]);
    assert_eq!(
        rows(ledger, ReportKind::Holdings, &of("alpaca:a1")).await,
        ["alpaca:a1,AAPL,-7,-1190.00,USD"]
    );
    let afternoon = EntryFilter {
        from: Some("2026-03-02T15:00:00Z".parse().unwrap()),
        ..known(of("system/securities_clearing"))
    };
    let line = |row: &str| format!("system/securities_clearing,USD,{row}");
    assert_eq!(
        rows(ledger, ReportKind::Statement, &afternoon).await,
        [
            line("opening,2026-03-02T15:00:00Z,,,,,,2302.50"),
            line(
                "entry,2026-03-02T15:00:00Z,2026-03-02T20:00:00Z,investment,holding/alpaca:a1/AAPL,fill/alpaca:s1,-2040.00,262.50"
            ),
            line("closing,,,,,,,262.50"),
        ]
    );
    let trial = rows(ledger, ReportKind::TrialBalance, &all()).await;
    // 2,302.50 paid and 1,502.50 back; 2,040.00 brought.
    assert!(
        trial.contains(&"system/securities_clearing,USD,2302.50,3542.50,-1240.00".to_owned()),
        "{trial:?}"
    );
    let (total, sums) = trial.split_last().unwrap();
    assert!(total.starts_with("total,USD,") && total.ends_with(",0.00"), "{total}");
    assert_eq!(sums.len(), 3, "{trial:?}");
}

async fn entries_are_selected_by_what_they_are_about(ledger: &TestLedger) {
    ledger.post(&day::facts()).await;
    let effects = async |filter: EntryFilter| {
        let page = ledger.store.entries(&AccountScope::All, &filter, None, 500).await.unwrap();
        let mut effects: Vec<String> = page.entries.into_iter().map(|entry| entry.effect).collect();
        effects.dedup();
        effects
    };
    let reference = |text: &str| EntryFilter { reference: Some(text.to_owned()), ..EntryFilter::default() };
    assert_eq!(effects(reference("alpaca:e3")).await, ["fill/alpaca:e3"]);
    // The reserve is less after each execution.
    let of_order = effects(reference("alpaca:o1")).await;
    assert!(
        of_order.iter().all(|effect| effect.contains("alpaca:o1/") || effect.starts_with("fill/alpaca:e")),
        "{of_order:?}"
    );
    assert!(
        of_order.contains(&"fill/alpaca:e2".to_owned()) && !of_order.contains(&"fill/alpaca:e3".to_owned()),
        "{of_order:?}"
    );
    let returned = effects(reference("bridge:b2")).await;
    assert!(returned.contains(&"transfer/bridge:b2/reversal".to_owned()), "{returned:?}");
    assert_eq!(effects(reference("no journal has this")).await, Vec::<String>::new());
    let dividends = EntryFilter { kind: Some(ledger::TransactionKind::Dividend), ..EntryFilter::default() };
    assert!(!effects(dividends.clone()).await.is_empty());
    let at_bridge = EntryFilter { provider: Some(domain::Provider::Bridge), ..dividends };
    assert_eq!(effects(at_bridge).await, Vec::<String>::new());
    let in_usdc = EntryFilter {
        currency: Some(Currency::Usdc),
        from: Some("2026-03-02T09:30:00Z".parse().unwrap()),
        before: Some("2026-03-02T09:31:00Z".parse().unwrap()),
        ..EntryFilter::default()
    };
    assert_eq!(effects(in_usdc).await, ["transfer/bridge:b1/split", "transfer/bridge:b1/deposit"]);
}
