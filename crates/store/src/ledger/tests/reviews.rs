//! Reviews that a person resolves, and when they open again.

use domain::{CashKind, EntryStatus, Side};

use super::day;
use super::fixture::{TestLedger, now};
use super::journals::{ANA, BEN, journal, maker};
use super::scenarios::check_sums;
use crate::journals::{JournalError, JournalState, Reversal};
use crate::reviews::{ReviewAction, ReviewFilter, ReviewSummary};

const CASH: &str = "user/alpaca:a1/fiat_exposure";

pub(super) async fn all<F: Future<Output = TestLedger>>(mut open: impl FnMut() -> F) {
    a_repeated_entry_is_reversed_with_its_review(&open().await).await;
    a_pending_journal_resolves_its_review_when_it_is_approved(&open().await).await;
    a_short_position_is_accepted_until_its_facts_change(&open().await).await;
}

async fn open_reviews(ledger: &TestLedger) -> Vec<ReviewSummary> {
    let open = ReviewFilter { is_open: Some(true), ..ReviewFilter::default() };
    ledger.store.reviews(&open, None, 50).await.unwrap()
}

/// One dividend of 2.40 in both of the broker's lists, with an id in each.
async fn report_twice(ledger: &TestLedger) -> ReviewSummary {
    let dividend = |id| day::cash("16:00:00", id, CashKind::Dividend, 240, EntryStatus::Executed);
    ledger.post(&[dividend("alpaca:n1")]).await;
    ledger.post(&[dividend("alpaca:r1")]).await;
    let reviews = open_reviews(ledger).await;
    assert_eq!(reviews.len(), 1);
    assert_eq!((&*reviews[0].kind, &*reviews[0].about), ("repeated_entry", "alpaca:r1"));
    assert_eq!(reviews[0].account.as_deref(), Some("alpaca:a1"));
    reviews[0].clone()
}

async fn a_repeated_entry_is_reversed_with_its_review(ledger: &TestLedger) {
    let review = report_twice(ledger).await;
    assert_eq!(ledger.balance(CASH, "USD").await, 480);
    let detail = ledger.store.review(review.id).await.unwrap().unwrap();
    assert_eq!((detail.facts.len(), detail.entries.len()), (1, 2));
    let suggestion = detail.suggestions.iter().find(|each| each.action == ReviewAction::Journal).unwrap();
    let reversal = suggestion.journal.clone().unwrap();
    let by_ana = maker(ANA, "one", 1_000);
    for _ in 0..2 {
        let resolve =
            ledger.store.resolve_review_with_journal(review.id, "reported twice", &reversal, by_ana, now());
        assert_eq!(resolve.await.unwrap().state, JournalState::Posted);
        assert_eq!(ledger.balance(CASH, "USD").await, 240);
    }
    let resolved = ledger.store.review(review.id).await.unwrap().unwrap().summary;
    assert_eq!(
        (resolved.resolved_by.as_deref(), resolved.resolution.as_deref()),
        (Some("key:ana"), Some("reported twice"))
    );
    assert!(resolved.journal.is_some() && open_reviews(ledger).await.is_empty());
    for (id, expected) in [(review.id, "already resolved"), ("99".parse().unwrap(), "no review has this id")]
    {
        let by_ben = maker(BEN, "late", 0);
        let late = ledger.store.resolve_review_with_journal(id, "no", &reversal, by_ben, now()).await;
        assert!(late.unwrap_err().to_string().contains(expected));
    }
    let other = ledger.store.resolve_review(review.id, "no", BEN, now()).await;
    assert!(matches!(other, Err(JournalError::ReviewResolved)), "{other:?}");
    // The broker cancels the entry after all: the journal reverses it a second time, and a person must look again.
    ledger.post(&[day::cash("16:05:00", "alpaca:r1", CashKind::Dividend, 240, EntryStatus::Canceled)]).await;
    assert_eq!(ledger.balance(CASH, "USD").await, 0);
    assert_eq!(open_reviews(ledger).await.len(), 1);
    ledger.post(&[day::cash("16:06:00", "alpaca:r1", CashKind::Dividend, 240, EntryStatus::Canceled)]).await;
    assert_eq!(open_reviews(ledger).await.len(), 1);
    check_sums(ledger).await;
}

async fn a_pending_journal_resolves_its_review_when_it_is_approved(ledger: &TestLedger) {
    let review = report_twice(ledger).await;
    let detail = ledger.store.review(review.id).await.unwrap().unwrap();
    let reversal = detail.suggestions.iter().find_map(|each| each.journal.clone()).unwrap();
    let make = |key| {
        let reversal = reversal.clone();
        async move {
            let by_ana = maker(ANA, key, 0);
            ledger.store.resolve_review_with_journal(review.id, "twice", &reversal, by_ana, now()).await
        }
    };
    let first = make("1").await.unwrap();
    assert_eq!((first.state, open_reviews(ledger).await.len()), (JournalState::Pending, 1));
    let waiting = ledger.store.review(review.id).await.unwrap().unwrap().pending_journal;
    assert_eq!(waiting, Some(first.id));
    // A second would reverse it again.
    let second = make("2").await;
    assert!(matches!(second, Err(JournalError::ReviewPending(id)) if id == first.id), "{second:?}");
    ledger.store.reject_journal(first.id, "unsure", BEN, now()).await.unwrap();
    let repeated = make("1").await;
    assert!(
        matches!(repeated, Err(JournalError::State { state: JournalState::Rejected, .. })),
        "{repeated:?}"
    );
    let third = make("3").await.unwrap();
    ledger.store.approve_journal(third.id, BEN, now()).await.unwrap();
    assert_eq!((ledger.balance(CASH, "USD").await, open_reviews(ledger).await.len()), (240, 0));
    // Reversed, the journal resolves nothing.
    let reversal =
        Reversal { reason: "no".to_owned(), evidence: None, effective_at: None, allow_overdraft: false };
    ledger.store.reverse_journal(third.id, &reversal, maker(ANA, "back", 1_000), now()).await.unwrap();
    let again = open_reviews(ledger).await;
    assert_eq!((ledger.balance(CASH, "USD").await, again.len(), again[0].journal), (480, 1, None));
}

async fn a_short_position_is_accepted_until_its_facts_change(ledger: &TestLedger) {
    let trade = |clock, id: &str, side, shares| {
        let ids = (format!("alpaca:o{id}"), format!("alpaca:{id}"));
        day::fill(clock, "AAPL", (&ids.0, &ids.1), side, (shares, 500_000))
    };
    ledger.post(&[trade("14:30:00", "s1", Side::Sell, "100")]).await;
    let reviews = open_reviews(ledger).await;
    assert_eq!((reviews.len(), &*reviews[0].kind), (1, "beyond_holding"));
    for _ in 0..2 {
        ledger.store.resolve_review(reviews[0].id, "a short sale", ANA, now()).await.unwrap();
    }
    // A later buy, and a late report of another, leave the sale as it was.
    ledger.post(&[trade("15:00:00", "b1", Side::Buy, "10")]).await;
    ledger.post(&[trade("14:50:00", "b2", Side::Buy, "10")]).await;
    assert_eq!(open_reviews(ledger).await, []);
    // 50 bought before: the sale was of 50 less.
    ledger.post(&[trade("14:00:00", "b3", Side::Buy, "50")]).await;
    let again = open_reviews(ledger).await;
    assert_eq!((again.len(), again[0].id, again[0].resolved_by.as_deref()), (1, reviews[0].id, None));
    // 50 more: it was none.
    ledger.post(&[trade("14:00:00", "b4", Side::Buy, "50")]).await;
    assert_eq!(open_reviews(ledger).await, []);
    // A journal of a missing transfer of shares covers a sale, too.
    ledger.post(&[trade("18:30:00", "s2", Side::Sell, "50")]).await;
    let short = open_reviews(ledger).await;
    assert_eq!(short.len(), 1);
    let shares = journal(
        r#""shares":[{"account":"alpaca:a1","symbol":"AAPL","quantity":"30","cost":"900.00","currency":"USD"}]"#,
    );
    let by_ana = maker(ANA, "shares", 1_000);
    let made =
        ledger.store.resolve_review_with_journal(short[0].id, "30 arrived", &shares, by_ana, now()).await;
    ledger.store.approve_journal(made.unwrap().id, BEN, now()).await.unwrap();
    let position = "SELECT COUNT(*) AS number FROM positions WHERE symbol = 'AAPL' AND quantity = '0'";
    assert_eq!((ledger.number(position).await, open_reviews(ledger).await), (1, Vec::new()));
}
