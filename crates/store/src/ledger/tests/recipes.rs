//! The recipes of docs/ledger.md, posted as they stand on the page. The figures are those of the page, computed by hand.

use std::path::Path;

use domain::{CashKind, EntryStatus, Fact, Journal, Side};

use super::day;
use super::fixture::{TestLedger, now};
use super::journals::{ANA, maker};
use super::scenarios::check_sums;
use crate::journals::JournalState;

/// Shares and their price before a recipe.
struct Held(&'static str, Side, &'static str, i64);

/// A heading of the page, what is held before, and lines of positions and balances after.
type Recipe = (&'static str, &'static [Held], &'static [(&'static str, &'static str)]);

const CASH: &str = "user/alpaca:a1/fiat_exposure USD";

const RECIPES: &[Recipe] = &[
    // 10,000.00 of cash as before; 8,000.00 came in.
    ("ACATS in", &[], &[("alpaca:a1 AAPL", "100 800000"), (CASH, "1000000 0 1800000")]),
    // 10,000.00 less 8,000.00; 9,000.00 went out.
    (
        "ACATS out",
        &[Held("AAPL", Side::Buy, "100", 800_000)],
        &[("alpaca:a1 AAPL", "0 0"), (CASH, "200000 0 100000")],
    ),
    (
        "Cash merger (CMA)",
        &[Held("OLD", Side::Buy, "20", 100_000)],
        &[("alpaca:a1 OLD", "0 0"), (CASH, "1020000 0 1000000")],
    ),
    (
        "Stock merger (SMA)",
        &[Held("OLD", Side::Buy, "10", 150_250)],
        &[("alpaca:a1 OLD", "0 0"), ("alpaca:a1 NEW", "10 150250"), (CASH, "849750 0 1000000")],
    ),
    (
        "Stock and cash merger (SCMA)",
        &[Held("OLD", Side::Buy, "20", 100_000)],
        &[("alpaca:a1 OLD", "0 0"), ("alpaca:a1 NEW", "10 100000"), (CASH, "910000 0 1000000")],
    ),
    // 4,000.00 less 705.88.
    (
        "Spin-off (SSO)",
        &[Held("SRC", Side::Buy, "40", 400_000)],
        &[("alpaca:a1 SRC", "40 329412"), ("alpaca:a1 NEW", "10 70588")],
    ),
    ("Old-shape split (SSP)", &[Held("AAPL", Side::Buy, "10", 150_250)], &[("alpaca:a1 AAPL", "100 150250")]),
    // 5,000.00 less 30.00; the cover of 4,500.00 follows below.
    (
        "Dividend on a short position",
        &[Held("AAPL", Side::Sell, "100", 500_000)],
        &[("alpaca:a1 AAPL", "-100 -500000"), (CASH, "1497000 0 1000000")],
    ),
    // 70 less 12.50; the deposit came in by another account.
    ("Card payment", &[], &[("user/bridge:c1/spending_balance USDC", "57500000 0 -12500000")]),
];

pub(super) async fn all<F: Future<Output = TestLedger>>(mut open: impl FnMut() -> F) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ledger.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split("\n## ").find(|section| section.starts_with("Journals by hand\n")).unwrap();
    let recipes: Vec<(&str, &str)> =
        section.split("\n### ").skip(1).map(|recipe| recipe.split_once('\n').unwrap()).collect();
    let headings: Vec<&str> = recipes.iter().map(|(heading, _)| *heading).collect();
    assert_eq!(headings, RECIPES.iter().map(|(heading, ..)| *heading).collect::<Vec<_>>());
    for ((heading, text), (_, held, expected)) in recipes.iter().zip(RECIPES) {
        let ledger = open().await;
        ledger.post(&facts_before(held)).await;
        let journals = text.split("```json\n").skip(1).map(|block| block.split("```").next().unwrap());
        for (number, json) in journals.enumerate() {
            let journal: Journal = serde_json::from_str(json).unwrap();
            post(&ledger, &journal, &number.to_string()).await;
        }
        let lines = ledger.contents().await;
        for (start, rest) in *expected {
            let line = format!("{start} {rest}");
            assert!(lines.iter().any(|each| each.starts_with(&line)), "{heading}: {line}\n{lines:#?}");
        }
        check_sums(&ledger).await;
        if *heading == "Dividend on a short position" {
            let cover = day::fill("19:00:00", "AAPL", ("alpaca:c", "alpaca:c1"), Side::Buy, ("100", 450_000));
            ledger.post(&[cover]).await;
            // 10,000.00 and 470.00.
            assert_eq!(ledger.balance("user/alpaca:a1/fiat_exposure", "USD").await, 1_047_000);
        }
    }
}

async fn post(ledger: &TestLedger, journal: &Journal, key: &str) {
    let record = ledger.store.create_journal(journal, maker(ANA, key, 1_000_000), now()).await.unwrap();
    // Shares without a cost, splits, and USDC without a price need a second person.
    if record.state == JournalState::Pending {
        ledger.store.approve_journal(record.id, super::journals::BEN, now()).await.unwrap();
    }
}

/// 10,000.00 of cash and 100 USDC, of which 70 are for spending, and what is held.
fn facts_before(held: &[Held]) -> Vec<Fact> {
    let mut facts = vec![
        day::cash("09:00:00", "alpaca:d1", CashKind::Deposit, 1_000_000, EntryStatus::Executed),
        day::deposit_of_usdc("09:00:00", "bridge:t1", 100_000_000),
    ];
    for (number, Held(symbol, side, shares, cents)) in held.iter().enumerate() {
        let (order, execution) = (format!("alpaca:o{number}"), format!("alpaca:e{number}"));
        facts.push(day::fill("10:00:00", symbol, (&order, &execution), *side, (shares, *cents)));
    }
    facts
}
