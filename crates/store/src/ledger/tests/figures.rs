//! The figures of the business after the day, computed by hand.

use domain::{
    AccountScope, CashKind, Currency, Direction, EntryStatus, ExternalId, Fact, FactKind, Money, Provider,
    Side, Subject, TransferStatus,
};
use jiff::Timestamp;

use super::day;
use super::fixture::{TestLedger, now};
use crate::Actor;
use crate::business::{AssetPrice, DepositDrift};
use crate::ledger::EntryFilter;

const TEST: Actor<'static> = Actor::named("test");

fn price(asset: &str, price: &str, at: &str) -> AssetPrice {
    AssetPrice { asset: asset.parse().unwrap(), price: price.parse().unwrap(), at: at.parse().unwrap() }
}

async fn set_prices_of_the_day(ledger: &TestLedger) {
    let prices = [
        price("AAPL", "50.00", "2026-03-02T19:59:00Z"),
        price("currency/USDC", "0.999", "2026-03-02T19:58:00Z"),
        price("AAPL", "1.00", "2026-03-02T09:00:00Z"),
    ];
    assert_eq!(ledger.store.set_prices(&prices, TEST, now()).await.unwrap(), 2);
    // Late and repeated prices change nothing.
    assert_eq!(ledger.store.set_prices(&prices[2..], TEST, now()).await.unwrap(), 0);
    assert_eq!(ledger.store.set_prices(&prices[..1], TEST, now()).await.unwrap(), 0);
}

pub(super) async fn future_prices_do_not_hide_present_ones(ledger: &TestLedger) {
    let first_price = async || ledger.store.prices().await.unwrap()[0].price.to_string();
    // Five minutes ahead is a clock difference; a second more is a wrong time.
    for (time, changed) in
        [("2026-03-02T20:05:00Z", 1), ("2026-03-02T20:05:01Z", 0), ("2126-03-02T20:00:00Z", 0)]
    {
        let prices = [price("AAPL", "9.00", time)];
        assert_eq!(ledger.store.set_prices(&prices, TEST, now()).await.unwrap(), changed, "{time}");
    }
    // A price stored while our clock was wrong is replaced by any other.
    ledger.run("UPDATE prices SET at = at + 3153600000000000").await.unwrap();
    assert_eq!(first_price().await, "9");
    let prices = [price("AAPL", "50.00", "2026-03-02T19:59:00Z")];
    assert_eq!(ledger.store.set_prices(&prices, TEST, now()).await.unwrap(), 1);
    assert_eq!(first_price().await, "50");
}

pub(super) async fn equal_manual_results(ledger: &TestLedger) {
    ledger.post(&day::facts()).await;
    let bare = ledger.store.figures(now()).await.unwrap();
    // The short sale at 150.00 brought what it is worth. Without closes: 559.62 and 8 × 190.00 / 4, the last execution, before the split; USDC has no price.
    assert_eq!((bare.assets.value.minor(), bare.assets.unpriced), (93_962, 1));
    set_prices_of_the_day(ledger).await;
    let figures = ledger.store.figures(now()).await.unwrap();
    // 259.62 + 300.00 + 50.000001 × 0.999 + 8 × 50.00 = 1,009.570000999.
    assert_eq!((figures.assets.value.minor(), figures.assets.unpriced), (100_957, 0));
    assert_eq!(figures.assets.oldest_price_at.unwrap().to_string(), "2026-03-02T15:30:00Z");
    // 1,000.00 + (250.000001 + 40) × 0.999 = 1,289.710000999: a returned deposit still counts.
    assert_eq!((figures.deposits_today.value.minor(), figures.deposits_today_number), (128_971, 3));
    assert_eq!(figures.returns_today.value.minor(), 3_996);
    assert_eq!(figures.investments_today.value.minor(), 56_150);
    assert_eq!((figures.registrations, figures.active_users), (1, 0));
    // 15:33 is three minutes after alpaca:a1 last traded; dividends do not make it active.
    for (time, active) in [("15:33:00", 1), ("15:34:59", 1), ("15:35:00", 0)] {
        let at: Timestamp = format!("2026-03-02T{time}Z").parse().unwrap();
        assert_eq!(ledger.store.figures(at).await.unwrap().active_users, active, "{time}");
    }
    let tomorrow = ledger.store.figures("2026-03-03T00:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!((tomorrow.deposits_today.value.minor(), tomorrow.investments_today.value.minor()), (0, 0));
    check_balance(ledger).await;
}

/// 31,000 yen for 10 shares, in an account of another holder.
fn fill_in_yen() -> Fact {
    let fact = day::fill("15:00:00", "AAPL", ("alpaca:o9", "alpaca:e9"), Side::Buy, ("10", 1));
    let FactKind::Fill { order, execution, side, cumulative, .. } = fact.kind else { panic!("a fill") };
    let notional = Money::from_minor(31_000, Currency::Jpy);
    let subject = Subject::Holding { account: "alpaca:a9".parse().unwrap(), symbol: "AAPL".parse().unwrap() };
    Fact { subject, kind: FactKind::Fill { order, execution, side, cumulative, notional }, ..fact }
}

/// 923 × 10^10 USDC are 9.23 × 10^18 smallest units, and 64 bits hold 9.223 × 10^18.
pub(super) async fn sums_exceed_64_bits(ledger: &TestLedger) {
    const DEPOSIT: i64 = 10_000_000_000_000_000;
    const ALL: i128 = 923 * DEPOSIT as i128;
    let deposit = |number: usize, status| {
        let id = format!("bridge:large{number}");
        day::transfer("09:30:00", &id, Direction::Inbound, DEPOSIT, status)
    };
    let prices = [price("currency/USDC", "1", "2026-03-02T19:58:00Z")];
    ledger.store.set_prices(&prices, TEST, now()).await.unwrap();
    // Many in one transaction, and one in each.
    let settled: Vec<Fact> = (0..923).map(|number| deposit(number, TransferStatus::Settled)).collect();
    ledger.post(&settled[..900]).await;
    for fact in &settled[900..] {
        ledger.post(std::slice::from_ref(fact)).await;
    }
    let holder = "bridge:c1".parse().unwrap();
    let minor = async || {
        let portfolio = ledger.store.portfolio(&AccountScope::All, &holder, now()).await.unwrap().unwrap();
        let sum = portfolio.balances.iter().map(|balance| balance.posted.minor()).sum::<i128>();
        (sum, portfolio.market_value.value.minor())
    };
    // In cents, at one dollar each.
    let cents = i64::try_from(ALL / 10_000).unwrap();
    assert_eq!(minor().await, (ALL, cents));
    let figures = ledger.store.figures(now()).await.unwrap();
    assert_eq!((figures.assets.value.minor(), figures.deposits_today.value.minor()), (cents, cents));
    let drift = ledger.store.deposit_drift().await.unwrap();
    assert_eq!((drift[0].credited_minor, drift[0].drift_minor()), (ALL, 0));
    ledger.store.take_snapshots(TEST, now()).await.unwrap();
    let trial = ledger.store.trial_balance().await.unwrap();
    assert!(trial.is_balanced(), "{trial:?}");
    // The flow of the day before is taken off the whole flow: nothing came in since.
    let tomorrow: Timestamp = "2026-03-03T20:00:00Z".parse().unwrap();
    ledger.store.take_snapshots(TEST, tomorrow).await.unwrap();
    let net_flow =
        "SELECT net_flow AS number FROM daily_snapshots WHERE holder = 'bridge:c1' ORDER BY day DESC LIMIT 1";
    assert_eq!(ledger.number(net_flow).await, 0);
    // A balance that differs by one smallest unit is found, and one that comes back is small again.
    ledger
        .run("UPDATE ledger_balances SET balance = balance + 1 WHERE account LIKE '%spending%'")
        .await
        .unwrap();
    assert_eq!(ledger.store.trial_balance().await.unwrap().drifted_accounts, 1);
    ledger
        .run("UPDATE ledger_balances SET balance = balance - 1 WHERE account LIKE '%spending%'")
        .await
        .unwrap();
    let returned: Vec<Fact> = (1..923).map(|number| deposit(number, TransferStatus::Returned)).collect();
    ledger.post(&returned).await;
    assert_eq!(minor().await.0, i128::from(DEPOSIT));
    assert!(ledger.store.trial_balance().await.unwrap().is_balanced());
}

/// 3,000.00 come in, of which 2,070.00 go for 10 shares; every value by hand.
pub(super) async fn prices_follow_executions_busts_and_splits(ledger: &TestLedger) {
    let bust =
        |clock, id: &str| day::holding(clock, "AAPL", FactKind::Bust { execution: id.parse().unwrap() });
    let buy = |clock, ids, filled| day::fill(clock, "AAPL", ids, Side::Buy, filled);
    let split = FactKind::Split { entry: "alpaca:s1".parse().unwrap(), change: "90".parse().unwrap() };
    let close = |close: &str, at| [price("AAPL", close, at)];
    ledger
        .post(&[day::cash("09:00:00", "alpaca:n1", CashKind::Deposit, 300_000, EntryStatus::Executed)])
        .await;
    let bought = buy("14:30:00", ("alpaca:o1", "alpaca:e1"), ("10", 207_000));
    check_value(ledger, &[bought], "at its own execution", 300_000).await;
    ledger.store.set_prices(&close("208", "2026-03-02T14:40:00Z"), TEST, now()).await.unwrap();
    check_value(ledger, &[], "at the close", 301_000).await;
    check_value(ledger, &[fill_in_yen()], "yen are no dollars", 301_000).await;
    // 930.00 − 900.00 + 11 × 208.00: 900.00 is more than double the close.
    let far = buy("15:05:00", ("alpaca:o2", "alpaca:e2"), ("1", 90_000));
    check_value(ledger, &[far], "far from the close", 231_800).await;
    check_value(ledger, &[bust("15:06:00", "alpaca:e2")], "busted", 301_000).await;
    let near = buy("15:10:00", ("alpaca:o3", "alpaca:e3"), ("1", 21_000));
    check_value(ledger, &[near], "930.00 − 210.00 + 11 × 210.00", 303_000).await;
    check_value(ledger, &[bust("15:20:00", "alpaca:e3")], "its price went with it", 301_000).await;
    let split =
        Fact { at: "2026-03-03T10:00:00Z".parse().unwrap(), ..day::holding("16:00:00", "AAPL", split) };
    check_value(ledger, &[split], "930.00 + 100 × 20.80", 301_000).await;
    ledger.store.set_prices(&close("20.90", "2026-03-03T19:59:00Z"), TEST, next_day()).await.unwrap();
    check_value(ledger, &[], "930.00 + 100 × 20.90", 302_000).await;
}

async fn check_value(ledger: &TestLedger, facts: &[Fact], what: &str, cents: i64) {
    ledger.post(facts).await;
    let portfolio = ledger
        .store
        .portfolio(&AccountScope::All, &"alpaca:a1".parse().unwrap(), next_day())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(portfolio.market_value.value.minor(), cents, "{what}");
}

fn next_day() -> Timestamp {
    "2026-03-03T20:00:00Z".parse().unwrap()
}

/// 3,000.00 come in, of which 2,000.00 go for 10 shares, whose close is 200.00.
pub(super) async fn executions_without_a_usable_price_do_not_count(ledger: &TestLedger) {
    let buy = |clock, ids, filled| day::fill(clock, "AAPL", ids, Side::Buy, filled);
    let later = |fact: Fact| Fact { at: "2026-03-04T14:30:00Z".parse().unwrap(), ..fact };
    ledger
        .post(&[day::cash("09:00:00", "alpaca:n1", CashKind::Deposit, 300_000, EntryStatus::Executed)])
        .await;
    check_value(ledger, &[buy("14:30:00", ("alpaca:o1", "alpaca:e1"), ("10", 200_000))], "bought", 300_000)
        .await;
    let prices = [price("AAPL", "200", "2026-03-02T14:40:00Z")];
    ledger.store.set_prices(&prices, TEST, now()).await.unwrap();
    // 900.00 + 10.000000000001 × 200.00, rounded: 100.00 for a trillionth of a share is 10^14 for one, which is no price.
    let tiny = buy("15:00:00", ("alpaca:o2", "alpaca:e2"), ("0.000000000001", 10_000));
    check_value(ledger, &[tiny], "no price", 290_000).await;
    // 700.00 + 11 × 200.00: 210.00 is the price of tomorrow.
    let future = later(buy("15:00:00", ("alpaca:o3", "alpaca:e3"), ("1", 20_000)));
    check_value(ledger, &[future], "dated in the future", 290_000).await;
    let split = FactKind::Split { entry: "alpaca:s1".parse().unwrap(), change: "99".parse().unwrap() };
    // 700.00 + 110 × 200.00: the shares are the broker's, the price is of before the split.
    check_value(ledger, &[later(day::holding("16:00:00", "AAPL", split))], "a split too", 2_270_000).await;
    let figures = ledger.store.figures(next_day()).await.unwrap();
    assert_eq!(figures.assets.value.minor(), 2_270_000);
}

async fn check_balance(ledger: &TestLedger) {
    let trial = ledger.store.trial_balance().await.unwrap();
    assert!(trial.is_balanced() && trial.imbalance_minor() == 0, "{trial:?}");
    let line = |provider, currency, minor| DepositDrift {
        provider,
        currency,
        credited_minor: minor,
        settled_minor: minor,
        memo_minor: 0,
    };
    let expected =
        [line(Provider::Alpaca, Currency::Usd, 100_000), line(Provider::Bridge, Currency::Usdc, 290_000_001)];
    assert_eq!(ledger.store.deposit_drift().await.unwrap(), expected);
}

fn next_deposit() -> Fact {
    let fact = day::cash("10:00:00", "alpaca:n20", CashKind::Deposit, 10_000, EntryStatus::Executed);
    Fact { at: "2026-03-03T10:00:00Z".parse().unwrap(), ..fact }
}

pub(super) async fn continue_over_days(ledger: &TestLedger) {
    ledger.post(&day::facts()).await;
    set_prices_of_the_day(ledger).await;
    let holder: ExternalId = "alpaca:a1".parse().unwrap();
    let first = ledger.store.figures(now()).await.unwrap();
    assert_eq!(first.year_to_date.unwrap().to_string(), "0");
    let run = ledger.store.take_snapshots(TEST, now()).await.unwrap();
    assert_eq!((run.holders, run.date.to_string()), (2, "2026-03-02".to_owned()));
    // The next day 100.00 come in, and AAPL goes from 50.00 to 60.00: 80.00 on 1,009.57, and on 959.62 of the holder.
    ledger.post(&[next_deposit()]).await;
    let prices = [price("AAPL", "60.00", "2026-03-03T11:00:00Z")];
    let noon: Timestamp = "2026-03-03T12:00:00Z".parse().unwrap();
    ledger.store.set_prices(&prices, TEST, noon).await.unwrap();
    // Python: decimal.Decimal(108957) / 100957 - 1 and Decimal(103962) / 95962 - 1.
    for _ in 0..2 {
        let figures = ledger.store.figures(noon).await.unwrap();
        assert_eq!(figures.assets.value.minor(), 118_957);
        assert_eq!(figures.year_to_date.unwrap().round_dp(12).to_string(), "0.079241657339");
        let portfolio = ledger.store.portfolio(&AccountScope::All, &holder, noon).await.unwrap().unwrap();
        assert_eq!(portfolio.market_value.value.minor(), 113_962);
        assert_eq!(portfolio.year_to_date.unwrap().round_dp(12).to_string(), "0.083366332507");
        // The day's own snapshot, taken meanwhile, changes neither.
        ledger.store.take_snapshots(TEST, noon).await.unwrap();
    }
    let portfolio = ledger.store.portfolio(&AccountScope::All, &holder, noon).await.unwrap().unwrap();
    let symbols: Vec<_> = portfolio.positions.iter().map(|each| each.symbol.as_str()).collect();
    assert_eq!((symbols, portfolio.reviews), (vec!["AAPL", "NVDA"], 1));
    assert_eq!(portfolio.positions[0].value.unwrap().minor(), 48_000);
    assert_eq!(portfolio.status, Some(domain::AccountStatus::Active));
    assert_eq!(
        ledger.store.portfolio(&AccountScope::All, &"alpaca:none".parse().unwrap(), noon).await.unwrap(),
        None
    );
}

pub(super) async fn pages_contain_each_entry_once(ledger: &TestLedger) {
    let count = ledger.post(&day::facts()).await.entries;
    let mut after = None;
    let mut ids = Vec::new();
    loop {
        let page = ledger.store.entries(&AccountScope::All, &EntryFilter::default(), after, 7).await.unwrap();
        ids.extend(page.entries.iter().map(|entry| entry.id));
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(ids.len() as u64, count);
    assert!(ids.is_sorted_by(|one, other| one > other));
    let of =
        |account: &str| EntryFilter { account: Some(account.parse().unwrap()), ..EntryFilter::default() };
    let filter = of("user/bridge:c1/stash_balance");
    let stash = ledger.store.entries(&AccountScope::All, &filter, None, 500).await.unwrap().entries;
    assert_eq!(stash.iter().map(|entry| entry.money.minor()).sum::<i64>(), 75_000_000);
    let filter = of("bridge:c1");
    let entries = ledger.store.entries(&AccountScope::All, &filter, None, 500).await.unwrap().entries;
    assert!(entries.iter().all(|entry| entry.account.to_string().starts_with("user/bridge:c1/")));
    assert!(entries.len() > stash.len());
}
