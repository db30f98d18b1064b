//! What both databases have to do alike.

use domain::{Booking, Currency, Direction, Fact, Money, OrderStatus, Side, Subject, TransferStatus, What};
use jiff::Timestamp;

use super::books::Books;
use super::{day, figures};
use crate::error::Error;
use crate::ledger::Posted;

pub(super) async fn all<F: Future<Output = Books>>(mut open: impl FnMut() -> F) {
    each_kind_once_comes_to_what_it_does_by_hand(&open().await).await;
    let in_order = contents_of(&open().await, &[day::facts()]).await;
    for seed in 1..=6 {
        let contents = contents_of(&open().await, &retold(seed)).await;
        assert_eq!(contents, in_order, "told in the order of seed {seed}");
    }
    for seed in 7..=9 {
        let contents = told_at_once(&open().await, &retold(seed)).await;
        assert_eq!(contents, in_order, "told at once in the order of seed {seed}");
    }
    what_is_told_again_changes_nothing(&open().await).await;
    rows_of_the_journal_stay(&open().await).await;
    fills_one_by_one_are_fills_at_once(&open().await, &open().await).await;
    what_cannot_be_folded_leaves_nothing(&open().await).await;
    what_was_short_is_given_back(&open().await).await;
    figures::are_what_they_are_by_hand(&open().await).await;
    figures::follow_the_days(&open().await).await;
    figures::pages_hold_each_entry_once(&open().await).await;
    figures::no_price_of_the_future_hides_those_of_today(&open().await).await;
}

async fn each_kind_once_comes_to_what_it_does_by_hand(books: &Books) {
    books.post(&day::facts()).await;
    for (account, currency, minor) in day::BALANCES {
        assert_eq!(books.balance(account, currency).await, minor, "{account}");
    }
    let lines = books.contents().await;
    // 3 bought for 561.50; 1 sold: 561.50 × 2/3 is 374.33; four for one.
    assert!(lines.iter().any(|line| line.starts_with("alpaca:a1 AAPL 8 37433 ")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("holding/alpaca:a1/NVDAbeyond_holding")), "{lines:#?}");
    check_sums(books).await;
}

/// Nothing is out of balance, no holder is below zero, and every balance is the sum of its entries.
async fn check_sums(books: &Books) {
    for sql in [
        "SELECT COUNT(*) AS number FROM (SELECT currency FROM ledger_entries GROUP BY currency \
         HAVING SUM(minor) <> 0) AS unbalanced",
        "SELECT COUNT(*) AS number FROM ledger_balances WHERE balance < 0 AND account NOT LIKE '%/receivable'",
        "SELECT COUNT(*) AS number FROM ledger_balances b WHERE balance <> \
         (SELECT COALESCE(SUM(minor), 0) FROM ledger_entries e WHERE e.account = b.account AND e.currency = b.currency)",
    ] {
        assert_eq!(books.number(sql).await, 0, "{sql}");
    }
}

async fn contents_of(books: &Books, portions: &[Vec<Fact>]) -> Vec<String> {
    for portion in portions {
        books.post(portion).await;
        check_sums(books).await;
    }
    books.contents().await
}

/// Each portion in a transaction of its own, all at the same time.
async fn told_at_once(books: &Books, portions: &[Vec<Fact>]) -> Vec<String> {
    let posts = portions.iter().map(|portion| {
        let (books, portion) = (books.clone(), portion.clone());
        tokio::spawn(async move { books.post_among_others(&portion).await })
    });
    for post in posts.collect::<Vec<_>>() {
        post.await.unwrap();
    }
    check_sums(books).await;
    books.contents().await
}

/// The day in another order, a third of it twice, in portions of one to four.
fn retold(seed: u64) -> Vec<Vec<Fact>> {
    // Knuth's linear congruential generator (MMIX): any order will do.
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut told: Vec<(u64, Fact)> = Vec::new();
    for (index, fact) in (0_u64..).zip(day::facts()) {
        for _ in 0..=u64::from(index % 3 == seed % 3) {
            told.push((next(), fact.clone()));
        }
    }
    told.sort_by_key(|(place, _)| *place);
    let told: Vec<Fact> = told.into_iter().map(|(_, fact)| fact).collect();
    let size = usize::try_from(seed % 4).unwrap() + 1;
    told.chunks(size).map(<[Fact]>::to_vec).collect()
}

async fn what_is_told_again_changes_nothing(books: &Books) {
    let first = books.post(&day::facts()).await;
    assert_eq!(first.facts, day::facts().len() as u64);
    let (contents, entries) = (books.contents().await, "SELECT COUNT(*) AS number FROM ledger_entries");
    let written = books.number(entries).await;
    assert_eq!(u64::try_from(written).unwrap(), first.entries);
    assert_eq!(books.post(&day::facts()).await, Posted::default());
    for fact in day::facts() {
        assert_eq!(books.post(&[fact]).await, Posted::default());
    }
    assert_eq!((books.contents().await, books.number(entries).await), (contents, written));
}

async fn rows_of_the_journal_stay(books: &Books) {
    books.post(&day::facts()).await;
    for sql in [
        "UPDATE ledger_entries SET minor = minor + 1",
        "DELETE FROM ledger_entries",
        "UPDATE ledger_transactions SET kind = 'fee'",
        "DELETE FROM ledger_transactions",
        "UPDATE facts SET body = '{}'",
        "DELETE FROM facts",
    ] {
        assert!(matches!(books.run(sql).await, Err(Error::Database(_))), "{sql}");
    }
    let entry = "INSERT INTO ledger_entries (transaction_id, account, currency, minor) \
                 SELECT MIN(id), 'system/fees', 'USD', 1 FROM ledger_transactions";
    // SQLite has no trigger that waits for the commit: there, only our own code stands before an entry of one leg.
    if matches!(*books.store.shared.database, crate::database::Database::Postgres(_)) {
        assert!(matches!(books.run(entry).await, Err(Error::Database(_))));
        check_sums(books).await;
    }
}

/// Each fill goes on from what is written; together they are folded anew.
async fn fills_one_by_one_are_fills_at_once(one_by_one: &Books, at_once: &Books) {
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
    let what = What::Transfer {
        account: Some("bridge:c9".parse().unwrap()),
        direction: Some(direction),
        amount: Some(Money::from_minor(micros, Currency::Usdc)),
        status: TransferStatus::Settled,
        booking: Booking::Books,
    };
    let subject = Subject::Transfer(format!("bridge:{}", direction as u8).parse().unwrap());
    Fact { subject, at: Timestamp::from_second(second).unwrap(), what }
}

async fn what_cannot_be_folded_leaves_nothing(books: &Books) {
    assert!(matches!(books.try_post(&[deposit(1, -5, Direction::Inbound)]).await, Err(Error::Ledger(_))));
    let facts: Vec<Fact> = (0..).map(|second| deposit(second, 100, Direction::Inbound)).take(1_001).collect();
    books.post(&facts[..1_000]).await;
    let before = books.contents().await;
    assert!(matches!(books.try_post(&facts[1_000..]).await, Err(Error::Ledger(_))));
    assert_eq!(books.contents().await, before);
    assert_eq!(books.number("SELECT COUNT(*) AS number FROM facts").await, 1_000);
}

/// A holder who was short owes nothing any more once the money is there.
async fn what_was_short_is_given_back(books: &Books) {
    let (spending, receivable) = ("user/bridge:c9/spending_balance", "user/bridge:c9/receivable");
    books.post(&[deposit(2, 500, Direction::Outbound)]).await;
    assert_eq!((books.balance(spending, "USDC").await, books.balance(receivable, "USDC").await), (0, -500));
    // 1,000 come: 700 to spend, 500 of them are gone.
    books.post(&[deposit(1, 1_000, Direction::Inbound)]).await;
    assert_eq!((books.balance(spending, "USDC").await, books.balance(receivable, "USDC").await), (200, 0));
    check_sums(books).await;
}
