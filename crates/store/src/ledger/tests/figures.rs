//! What the business looks at after the day, worked by hand.

use domain::{CashKind, Currency, ExternalId, Fact, Provider, Standing};
use jiff::Timestamp;

use super::books::{Books, now};
use super::day;
use crate::Actor;
use crate::business::{DepositDrift, Mark};
use crate::ledger::EntriesOf;

const TEST: Actor<'static> = Actor::named("test");

fn mark(thing: &str, price: &str, at: &str) -> Mark {
    Mark { thing: thing.parse().unwrap(), price: price.parse().unwrap(), at: at.parse().unwrap() }
}

async fn mark_day(books: &Books) {
    let marks = [
        mark("AAPL", "50.00", "2026-03-02T19:59:00Z"),
        mark("currency/USDC", "0.999", "2026-03-02T19:58:00Z"),
        mark("AAPL", "1.00", "2026-03-02T09:00:00Z"),
    ];
    assert_eq!(books.store.mark(&marks, TEST, now()).await.unwrap(), 2);
    // What is told late, or again, does not go back.
    assert_eq!(books.store.mark(&marks[2..], TEST, now()).await.unwrap(), 0);
    assert_eq!(books.store.mark(&marks[..1], TEST, now()).await.unwrap(), 0);
}

pub(super) async fn no_price_of_the_future_hides_those_of_today(books: &Books) {
    let price = async || books.store.marks().await.unwrap()[0].price.to_string();
    // Five minutes ahead is a clock that differs; a second more is a wrong time.
    for (time, changed) in
        [("2026-03-02T20:05:00Z", 1), ("2026-03-02T20:05:01Z", 0), ("2126-03-02T20:00:00Z", 0)]
    {
        let told = [mark("AAPL", "9.00", time)];
        assert_eq!(books.store.mark(&told, TEST, now()).await.unwrap(), changed, "{time}");
    }
    // One that was kept before such were refused gives way to any.
    books.run("UPDATE marks SET at = at + 3153600000000000").await.unwrap();
    assert_eq!(price().await, "9");
    let told = [mark("AAPL", "50.00", "2026-03-02T19:59:00Z")];
    assert_eq!(books.store.mark(&told, TEST, now()).await.unwrap(), 1);
    assert_eq!(price().await, "50");
}

pub(super) async fn are_what_they_are_by_hand(books: &Books) {
    books.post(&day::facts()).await;
    let bare = books.store.figures(now()).await.unwrap();
    // Without marks: the dollars alone; USDC and AAPL have no price.
    assert_eq!((bare.assets.value.minor(), bare.assets.unpriced), (55_962, 2));
    mark_day(books).await;
    let figures = books.store.figures(now()).await.unwrap();
    // 259.62 + 300.00 + 50.000001 × 0.999 + 8 × 50.00 = 1,009.570000999.
    assert_eq!((figures.assets.value.minor(), figures.assets.unpriced), (100_957, 0));
    assert_eq!(figures.assets.oldest_mark_at.unwrap().to_string(), "2026-03-02T19:58:00Z");
    // 1,000.00 + (250.000001 + 40) × 0.999 = 1,289.710000999: what went back had come in.
    assert_eq!((figures.deposits_today.value.minor(), figures.deposits_today_number), (128_971, 3));
    assert_eq!(figures.returns_today.value.minor(), 3_996);
    assert_eq!(figures.investments_today.value.minor(), 56_150);
    assert_eq!((figures.registrations, figures.active_users), (1, 0));
    // 15:33 is three minutes after alpaca:a1 last traded; dividends do not make it active.
    for (time, active) in [("15:33:00", 1), ("15:34:59", 1), ("15:35:00", 0)] {
        let at: Timestamp = format!("2026-03-02T{time}Z").parse().unwrap();
        assert_eq!(books.store.figures(at).await.unwrap().active_users, active, "{time}");
    }
    let tomorrow = books.store.figures("2026-03-03T00:00:00Z".parse().unwrap()).await.unwrap();
    assert_eq!((tomorrow.deposits_today.value.minor(), tomorrow.investments_today.value.minor()), (0, 0));
    are_sound(books).await;
}

async fn are_sound(books: &Books) {
    let trial = books.store.trial_balance().await.unwrap();
    assert!(trial.is_sound() && trial.imbalance_minor() == 0, "{trial:?}");
    let line = |provider, currency, minor| DepositDrift {
        provider,
        currency,
        credited_minor: minor,
        settled_minor: minor,
        memo_minor: 0,
    };
    let expected =
        [line(Provider::Alpaca, Currency::Usd, 100_000), line(Provider::Bridge, Currency::Usdc, 290_000_001)];
    assert_eq!(books.store.deposit_drift().await.unwrap(), expected);
}

fn next_deposit() -> Fact {
    let fact = day::cash("10:00:00", "alpaca:n20", CashKind::Deposit, 10_000, Standing::Executed);
    Fact { at: "2026-03-03T10:00:00Z".parse().unwrap(), ..fact }
}

pub(super) async fn follow_the_days(books: &Books) {
    books.post(&day::facts()).await;
    mark_day(books).await;
    let holder: ExternalId = "alpaca:a1".parse().unwrap();
    let first = books.store.figures(now()).await.unwrap();
    assert_eq!(first.year_to_date.unwrap().to_string(), "0");
    let taken = books.store.take_snapshots(TEST, now()).await.unwrap();
    assert_eq!((taken.holders, taken.date.to_string()), (2, "2026-03-02".to_owned()));
    // The next day 100.00 come in, and AAPL goes from 50.00 to 60.00: 80.00 on 1,009.57, and on 959.62 of the holder.
    books.post(&[next_deposit()]).await;
    let marks = [mark("AAPL", "60.00", "2026-03-03T11:00:00Z")];
    let noon: Timestamp = "2026-03-03T12:00:00Z".parse().unwrap();
    books.store.mark(&marks, TEST, noon).await.unwrap();
    // Python: decimal.Decimal(108957) / 100957 - 1 and Decimal(103962) / 95962 - 1.
    for _ in 0..2 {
        let figures = books.store.figures(noon).await.unwrap();
        assert_eq!(figures.assets.value.minor(), 118_957);
        assert_eq!(figures.year_to_date.unwrap().round_dp(12).to_string(), "0.079241657339");
        let portfolio = books.store.portfolio(&holder, noon).await.unwrap().unwrap();
        assert_eq!(portfolio.worth.value.minor(), 113_962);
        assert_eq!(portfolio.year_to_date.unwrap().round_dp(12).to_string(), "0.083366332507");
        // The day's own snapshot, taken meanwhile, changes neither.
        books.store.take_snapshots(TEST, noon).await.unwrap();
    }
    let portfolio = books.store.portfolio(&holder, noon).await.unwrap().unwrap();
    let held: Vec<_> = portfolio.positions.iter().map(|held| held.symbol.as_str()).collect();
    assert_eq!((held, portfolio.reviews), (vec!["AAPL"], 1));
    assert_eq!(portfolio.positions[0].value.unwrap().minor(), 48_000);
    assert_eq!(portfolio.status, Some(domain::AccountStatus::Active));
    assert_eq!(books.store.portfolio(&"alpaca:none".parse().unwrap(), noon).await.unwrap(), None);
}

pub(super) async fn pages_hold_each_entry_once(books: &Books) {
    let written = books.post(&day::facts()).await.entries;
    let mut after = None;
    let mut ids = Vec::new();
    loop {
        let page = books.store.entries(&EntriesOf::Everyone, after, 7).await.unwrap();
        ids.extend(page.entries.iter().map(|entry| entry.id));
        after = page.next_after;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(ids.len() as u64, written);
    assert!(ids.is_sorted_by(|one, other| one > other));
    let of = EntriesOf::Account("user/bridge:c1/stash_balance".parse().unwrap());
    let stash = books.store.entries(&of, None, 500).await.unwrap().entries;
    assert_eq!(stash.iter().map(|entry| entry.money.minor()).sum::<i64>(), 75_000_000);
    let of = EntriesOf::Holder("bridge:c1".parse().unwrap());
    let entries = books.store.entries(&of, None, 500).await.unwrap().entries;
    assert!(entries.iter().all(|entry| entry.account.to_string().starts_with("user/bridge:c1/")));
    assert!(entries.len() > stash.len());
}
