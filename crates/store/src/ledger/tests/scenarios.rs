//! Scenarios for both databases.

use domain::{
    CashKind, Currency, Direction, EntryStatus, Fact, FactKind, Money, OrderStatus, PostingMode, Side,
    Subject, TransferStatus,
};
use jiff::Timestamp;

use super::fixture::{Posted, TestLedger};
use super::{day, figures};
use crate::error::Error;

pub(super) async fn all<F: Future<Output = TestLedger>>(mut open: impl FnMut() -> F) {
    each_kind_once_has_the_manual_result(&open().await).await;
    let in_order = contents_of(&open().await, &[day::facts()]).await;
    for seed in 1..=6 {
        let contents = contents_of(&open().await, &shuffled(seed)).await;
        assert_eq!(contents, in_order, "in the order of seed {seed}");
    }
    for seed in 7..=9 {
        let contents = contents_of_concurrent(&open().await, &shuffled(seed)).await;
        assert_eq!(contents, in_order, "at once in the order of seed {seed}");
    }
    repeated_facts_change_nothing(&open().await).await;
    rows_of_the_journal_cannot_be_changed(&open().await).await;
    fills_one_by_one_and_at_once_have_the_same_result(&open().await, &open().await).await;
    a_set_that_cannot_be_folded_is_not_stored(&open().await).await;
    facts_beyond_the_limit_are_stored_and_reviewed(&open().await).await;
    a_shortfall_is_repaid(&open().await).await;
    an_execution_counts_in_one_holding(&open().await).await;
    a_second_report_of_a_dividend_is_reviewed(&open().await).await;
    figures::equal_manual_results(&open().await).await;
    figures::sums_exceed_64_bits(&open().await).await;
    figures::continue_over_days(&open().await).await;
    figures::pages_contain_each_entry_once(&open().await).await;
    figures::prices_follow_executions_busts_and_splits(&open().await).await;
    figures::executions_without_a_usable_price_do_not_count(&open().await).await;
    figures::future_prices_do_not_hide_present_ones(&open().await).await;
}

async fn each_kind_once_has_the_manual_result(ledger: &TestLedger) {
    ledger.post(&day::facts()).await;
    for (account, currency, minor) in day::BALANCES {
        assert_eq!(ledger.balance(account, currency).await, minor, "{account}");
    }
    let lines = ledger.contents().await;
    // 3 bought for 561.50; 1 sold: 561.50 × 2/3 is 374.33; four for one.
    assert!(lines.iter().any(|line| line.starts_with("alpaca:a1 AAPL 8 37433 ")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("holding/alpaca:a1/NVDAbeyond_holding")), "{lines:#?}");
    check_sums(ledger).await;
}

/// Every currency sums to zero, no holder is below zero, and every balance is the sum of its entries.
pub(super) async fn check_sums(ledger: &TestLedger) {
    for sql in [
        "SELECT COUNT(*) AS number FROM (SELECT currency FROM ledger_entries GROUP BY currency \
         HAVING SUM(minor) <> 0) AS unbalanced",
        "SELECT COUNT(*) AS number FROM ledger_balances WHERE balance < 0 AND account NOT LIKE '%/receivable'",
        "SELECT COUNT(*) AS number FROM ledger_balances b WHERE balance <> \
         (SELECT COALESCE(SUM(minor), 0) FROM ledger_entries e WHERE e.account = b.account AND e.currency = b.currency)",
    ] {
        assert_eq!(ledger.number(sql).await, 0, "{sql}");
    }
}

async fn contents_of(ledger: &TestLedger, portions: &[Vec<Fact>]) -> Vec<String> {
    for portion in portions {
        ledger.post(portion).await;
        check_sums(ledger).await;
    }
    ledger.contents().await
}

/// Posts each portion in its own transaction, concurrently.
async fn contents_of_concurrent(ledger: &TestLedger, portions: &[Vec<Fact>]) -> Vec<String> {
    let posts = portions.iter().map(|portion| {
        let (ledger, portion) = (ledger.clone(), portion.clone());
        tokio::spawn(async move { ledger.post_concurrently(&portion).await })
    });
    for post in posts.collect::<Vec<_>>() {
        post.await.unwrap();
    }
    check_sums(ledger).await;
    ledger.contents().await
}

/// The day in another order, a third of it twice, in portions of one to four.
fn shuffled(seed: u64) -> Vec<Vec<Fact>> {
    // Knuth's linear congruential generator (MMIX), for an arbitrary order.
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut facts: Vec<(u64, Fact)> = Vec::new();
    for (index, fact) in (0_u64..).zip(day::facts()) {
        for _ in 0..=u64::from(index % 3 == seed % 3) {
            facts.push((next(), fact.clone()));
        }
    }
    facts.sort_by_key(|(place, _)| *place);
    let facts: Vec<Fact> = facts.into_iter().map(|(_, fact)| fact).collect();
    let size = usize::try_from(seed % 4).unwrap() + 1;
    facts.chunks(size).map(<[Fact]>::to_vec).collect()
}

async fn repeated_facts_change_nothing(ledger: &TestLedger) {
    let first = ledger.post(&day::facts()).await;
    assert_eq!(first.facts, day::facts().len() as u64);
    let (contents, entries) = (ledger.contents().await, "SELECT COUNT(*) AS number FROM ledger_entries");
    let count = ledger.number(entries).await;
    assert_eq!(u64::try_from(count).unwrap(), first.entries);
    assert_eq!(ledger.post(&day::facts()).await, Posted::default());
    for fact in day::facts() {
        assert_eq!(ledger.post(&[fact]).await, Posted::default());
    }
    assert_eq!((ledger.contents().await, ledger.number(entries).await), (contents, count));
}

async fn rows_of_the_journal_cannot_be_changed(ledger: &TestLedger) {
    ledger.post(&day::facts()).await;
    for sql in [
        "UPDATE ledger_entries SET minor = minor + 1",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_transactions SET kind = 'fee'",
        "DELETE FROM ledger_transactions",
        "UPDATE facts SET body = '{}'",
        "DELETE FROM facts",
    ] {
        assert!(matches!(ledger.run(sql).await, Err(Error::Database(_))), "{sql}");
    }
    let entry = "INSERT INTO ledger_entries (transaction_id, account, currency, minor) \
                 SELECT MIN(id), 'system/fees', 'USD', 1 FROM ledger_transactions";
    // SQLite has no trigger that waits for the commit: there, only our own code refuses an unbalanced transaction.
    if ledger.store.shared.database.sqlite_path().is_none() {
        assert!(matches!(ledger.run(entry).await, Err(Error::Database(_))));
        check_sums(ledger).await;
    }
}

/// One by one, each fill continues from the written rows; together they are folded as one set.
async fn fills_one_by_one_and_at_once_have_the_same_result(one_by_one: &TestLedger, at_once: &TestLedger) {
    let mut facts =
        vec![day::order("14:00:00", "AAPL", "alpaca:o1", (Side::Buy, OrderStatus::Open), Some(2_000_000))];
    for second in 1..=30_i64 {
        let clock = format!("14:00:{second:02}");
        let (execution, shares) = (format!("alpaca:e{second}"), second.to_string());
        let ids = ("alpaca:o1", execution.as_str());
        facts.push(day::fill(&clock, "AAPL", ids, Side::Buy, (&shares, second * 10_001)));
        if second % 7 == 0 {
            let (order, execution) = (format!("alpaca:s{second}"), format!("alpaca:x{second}"));
            facts.push(day::fill(&clock, "AAPL", (&order, &execution), Side::Sell, ("3", 33_333)));
        }
    }
    for fact in &facts {
        one_by_one.post(std::slice::from_ref(fact)).await;
    }
    at_once.post(&facts).await;
    assert_eq!(one_by_one.contents().await, at_once.contents().await);
    // 30 bought, 12 sold; 20,000.00 set aside less 3,000.30 spent.
    assert_eq!(at_once.balance("user/alpaca:a1/pending_investment", "USD").await, 2_000_000 - 300_030);
}

fn deposit(second: i64, micros: i64, direction: Direction) -> Fact {
    let kind = FactKind::Transfer {
        account: Some("bridge:c9".parse().unwrap()),
        direction: Some(direction),
        amount: Some(Money::from_minor(micros, Currency::Usdc)),
        status: TransferStatus::Settled,
        posting_mode: PostingMode::Post,
    };
    let subject = Subject::Transfer(format!("bridge:{}", direction as u8).parse().unwrap());
    Fact { subject, at: Timestamp::from_second(second).unwrap(), kind }
}

async fn a_set_that_cannot_be_folded_is_not_stored(ledger: &TestLedger) {
    assert!(matches!(ledger.try_post(&[deposit(1, -5, Direction::Inbound)]).await, Err(Error::Ledger(_))));
    assert_eq!(ledger.number("SELECT COUNT(*) AS number FROM facts").await, 0);
}

/// A transfer of more facts than any provider reports is posted as before the last of them, and waits for a person.
async fn facts_beyond_the_limit_are_stored_and_reviewed(ledger: &TestLedger) {
    let facts: Vec<Fact> =
        (0..).map(|second| deposit(second, 100, Direction::Inbound)).take(10_001).collect();
    ledger.post(&facts[..10_000]).await;
    let spending = "user/bridge:c9/spending_balance";
    assert_eq!(ledger.balance(spending, "USDC").await, 70);
    let full = "SELECT COUNT(*) AS number FROM reviews WHERE kind = 'too_many_facts' AND resolved_at IS NULL";
    assert_eq!(ledger.number(full).await, 0);
    ledger.post(&facts[10_000..]).await;
    assert_eq!((ledger.balance(spending, "USDC").await, ledger.number(full).await), (70, 1));
    assert_eq!(ledger.number("SELECT COUNT(*) AS number FROM facts").await, 10_001);
}

/// The execution is posted once, however late and in whatever company the other report of it arrives.
async fn an_execution_counts_in_one_holding(ledger: &TestLedger) {
    let buy = |clock, symbol, ids| day::fill(clock, symbol, ids, Side::Buy, ("1", 10_000));
    let (first, second) = ("alpaca:o1", "alpaca:o2");
    ledger.post(&[buy("14:30:00", "AAPL", (first, "alpaca:e1"))]).await;
    let mut elsewhere = buy("14:30:00", "AAPL", (first, "alpaca:e1"));
    elsewhere.subject =
        Subject::Holding { account: "alpaca:a2".parse().unwrap(), symbol: "AAPL".parse().unwrap() };
    ledger.post(&[elsewhere]).await;
    // MSFT is known before, and is folded again as a whole after.
    ledger.post(&[buy("14:31:00", "MSFT", (second, "alpaca:e2"))]).await;
    ledger.post(&[buy("14:32:00", "MSFT", ("alpaca:o3", "alpaca:e1"))]).await;
    ledger.post(&[buy("14:20:00", "MSFT", ("alpaca:o4", "alpaca:e4"))]).await;
    let parked = "SELECT COUNT(*) AS number FROM fills WHERE status = 'parked'";
    let reviews =
        "SELECT COUNT(*) AS number FROM reviews WHERE kind = 'execution_elsewhere' AND resolved_at IS NULL";
    assert_eq!((ledger.number(parked).await, ledger.number(reviews).await), (2, 2));
    // Three executions of 100.00.
    assert_eq!(ledger.balance("system/securities_clearing", "USD").await, 30_000);
    // The order that e1 filled in AAPL is filled so far in MSFT as well: its next execution brings one share.
    ledger.post(&[day::fill("14:40:00", "MSFT", ("alpaca:o3", "alpaca:e8"), Side::Buy, ("2", 20_000))]).await;
    assert_eq!(ledger.balance("system/securities_clearing", "USD").await, 40_000);
    // Two reports of one execution in one batch: the database refuses both, and then each is applied by itself.
    let both = [buy("15:00:00", "TSLA", (first, "alpaca:e7")), buy("15:00:00", "NVDA", (first, "alpaca:e7"))];
    assert!(
        matches!(ledger.try_post(&both).await, Err(error) if error.retry() == crate::error::Retry::Never)
    );
    check_sums(ledger).await;
}

/// One dividend in both of the broker's lists, with an id in each.
async fn a_second_report_of_a_dividend_is_reviewed(ledger: &TestLedger) {
    let dividend = |clock, id, cents| day::cash(clock, id, CashKind::Dividend, cents, EntryStatus::Executed);
    let reviews = "SELECT COUNT(*) AS number FROM reviews WHERE kind = 'repeated_entry' AND about = 'alpaca:r1' \
        AND resolved_at IS NULL";
    ledger.post(&[dividend("16:01:00", "alpaca:n1", 240), dividend("16:02:00", "alpaca:n2", 241)]).await;
    ledger.post(&[dividend("23:59:59", "alpaca:r1", 240)]).await;
    assert_eq!(ledger.number(reviews).await, 1);
    let all = "SELECT COUNT(*) AS number FROM reviews";
    assert_eq!(ledger.number(all).await, 1);
    // It was the same one, and is withdrawn.
    ledger.post(&[day::cash("23:59:59", "alpaca:r1", CashKind::Dividend, 240, EntryStatus::Canceled)]).await;
    assert_eq!(ledger.number(reviews).await, 0);
    assert_eq!(ledger.balance("user/alpaca:a1/fiat_exposure", "USD").await, 481);
}

/// A shortfall ends once the money arrives.
async fn a_shortfall_is_repaid(ledger: &TestLedger) {
    let (spending, receivable) = ("user/bridge:c9/spending_balance", "user/bridge:c9/receivable");
    ledger.post(&[deposit(2, 500, Direction::Outbound)]).await;
    assert_eq!((ledger.balance(spending, "USDC").await, ledger.balance(receivable, "USDC").await), (0, -500));
    // 1,000 arrive: 700 to spend, of which 500 are already spent.
    ledger.post(&[deposit(1, 1_000, Direction::Inbound)]).await;
    assert_eq!((ledger.balance(spending, "USDC").await, ledger.balance(receivable, "USDC").await), (200, 0));
    check_sums(ledger).await;
}
