//! One movement of coins that two providers report.

use domain::{CoinSide, Currency, Direction, Fact, FactKind, Money, PostingMode, Subject, TransferStatus};
use jiff::Timestamp;
use ledger::Rules;
use webhooks::ProviderSettings;

use super::fixture::{TestLedger, now};
use super::scenarios::check_sums;
use crate::actor::Actor;
use crate::ledger::RebuildMode;

/// Two customers at Bridge send equal amounts in one transaction, and one arrives: whose is not known.
async fn fewer_arrivals_than_accounts_are_reviewed(ledger: &TestLedger) {
    ledger.post(&sent(60, "s", AMOUNT)).await;
    let mut other = sent(60, "t", AMOUNT);
    if let FactKind::Transfer { account, .. } = &mut other[0].kind {
        *account = Some("bridge:c61".parse().unwrap());
    }
    ledger.post(&other).await;
    ledger.post(&received(60, "r", AMOUNT)).await;
    assert_eq!((ledger.usdc(60).await, ledger.usdc(61).await.0), ((AMOUNT, AMOUNT), AMOUNT));
    assert_eq!(ledger.number(REVIEWS).await, 2);
    ledger.post(&received(60, "u", AMOUNT)).await;
    assert_eq!((ledger.usdc(60).await, ledger.usdc(61).await.0), ((0, 2 * AMOUNT), 0));
    assert_eq!(ledger.number(REVIEWS).await, 0);
}

/// A later report with another transaction releases the first one.
async fn another_transaction_releases_the_first(ledger: &TestLedger) {
    ledger.post(&sent(70, "s", AMOUNT)).await;
    ledger.post(&received(70, "r", AMOUNT)).await;
    assert_eq!(ledger.usdc(70).await, (0, AMOUNT));
    let mut again = received(71, "r", AMOUNT);
    for fact in &mut again {
        fact.subject = Subject::Transfer("circle:r70".parse().unwrap());
        fact.at = fact.at.checked_add(jiff::SignedDuration::from_secs(9)).unwrap();
    }
    ledger.post(&again[1..]).await;
    assert_eq!(ledger.usdc(70).await, (AMOUNT, AMOUNT));
}

/// Rows of either end are restored, whichever was removed.
async fn a_rebuild_posts_them_once(ledger: &TestLedger) {
    for removed in
        ["DELETE FROM transfers WHERE id = 'circle:r0'", "DELETE FROM transfers WHERE id = 'bridge:s1'"]
    {
        assert_eq!(ledger.run(removed).await.unwrap(), 1);
    }
    let (settings, ratio) = (ProviderSettings::default(), Rules::default().stash_ratio);
    let (mode, actor) = (RebuildMode::Commit, Actor::named("test"));
    ledger.store.rebuild_ledger(mode, &settings, ratio, actor, now()).await.unwrap();
    for number in 0..2 {
        assert_eq!(ledger.usdc(number).await, (0, AMOUNT), "{number}");
    }
}

/// 120 USDC.
const AMOUNT: i64 = 120_000_000;
const REVIEWS: &str =
    "SELECT COUNT(*) AS number FROM reviews WHERE kind = 'coins_differ' AND resolved_at IS NULL";

/// A settled deposit, and the transaction that moved its coins.
fn settled(id: &str, account: &str, (hash, side): (&str, CoinSide), micros: i64) -> Vec<Fact> {
    let subject = Subject::Transfer(id.parse().unwrap());
    let at = Timestamp::from_second(1_772_000_000).unwrap();
    let deposit = FactKind::Transfer {
        account: Some(account.parse().unwrap()),
        direction: Some(Direction::Inbound),
        amount: Some(Money::from_minor(micros, Currency::Usdc)),
        status: TransferStatus::Settled,
        posting_mode: PostingMode::Post,
    };
    let coins = FactKind::Coins { transaction: hash.parse().unwrap(), side };
    [deposit, coins].map(|kind| Fact { subject: subject.clone(), at, kind }).to_vec()
}

fn hash(number: usize) -> String {
    format!("{number:064x}")
}

fn sent(number: usize, id: &str, micros: i64) -> Vec<Fact> {
    let hash = format!("0x{}", hash(number));
    settled(&format!("bridge:{id}{number}"), &format!("bridge:c{number}"), (&hash, CoinSide::Sent), micros)
}

fn received(number: usize, id: &str, micros: i64) -> Vec<Fact> {
    let hash = hash(number).to_uppercase();
    settled(
        &format!("circle:{id}{number}"),
        &format!("circle:w{number}"),
        (&hash, CoinSide::Received),
        micros,
    )
}

impl TestLedger {
    /// What the senders' and the receiver's accounts hold.
    async fn usdc(&self, number: usize) -> (i64, i64) {
        let (mut bridge, mut circle) = (0, 0);
        for bucket in ["spending_balance", "stash_balance"] {
            bridge += self.balance(&format!("user/bridge:c{number}/{bucket}"), "USDC").await;
            circle += self.balance(&format!("user/circle:w{number}/{bucket}"), "USDC").await;
        }
        (bridge, circle)
    }
}

pub(super) async fn all<F: Future<Output = TestLedger>>(open: &mut impl FnMut() -> F) {
    let ledger = open().await;
    are_posted_once_in_every_order(&ledger).await;
    are_posted_once_at_the_same_time(&ledger).await;
    equal_ones_are_counted(&ledger).await;
    different_amounts_are_reviewed(&ledger).await;
    fewer_arrivals_than_accounts_are_reviewed(&ledger).await;
    another_transaction_releases_the_first(&ledger).await;
    a_rebuild_posts_them_once(&ledger).await;
    check_sums(&ledger).await;
    ledger.contents().await;
}

async fn are_posted_once_in_every_order(ledger: &TestLedger) {
    for (number, order) in
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].iter().enumerate()
    {
        let mut again = received(number, "r", AMOUNT);
        again[0].at = again[0].at.checked_add(jiff::SignedDuration::from_secs(9)).unwrap();
        let reports = [sent(number, "s", AMOUNT), received(number, "r", AMOUNT), again];
        for report in order.iter().chain(order) {
            ledger.post(&reports[*report]).await;
        }
        assert_eq!(ledger.usdc(number).await, (0, AMOUNT), "in the order {order:?}");
    }
}

async fn are_posted_once_at_the_same_time(ledger: &TestLedger) {
    let numbers: Vec<usize> = (10..30).collect();
    let posts =
        numbers.iter().flat_map(|number| [sent(*number, "s", AMOUNT), received(*number, "r", AMOUNT)]);
    let tasks = posts.map(|facts| {
        let ledger = ledger.clone();
        tokio::spawn(async move { ledger.post_concurrently(&facts).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    for number in numbers {
        assert_eq!(ledger.usdc(number).await, (0, AMOUNT), "{number}");
    }
}

/// Two equal transfers in one transaction are two; as many as arrive are passed on.
async fn equal_ones_are_counted(ledger: &TestLedger) {
    ledger.post(&sent(40, "s", AMOUNT)).await;
    ledger.post(&sent(40, "t", AMOUNT)).await;
    assert_eq!(ledger.usdc(40).await, (2 * AMOUNT, 0));
    ledger.post(&received(40, "r", AMOUNT)).await;
    assert_eq!(ledger.usdc(40).await, (AMOUNT, AMOUNT));
    ledger.post(&received(40, "u", AMOUNT)).await;
    assert_eq!(ledger.usdc(40).await, (0, 2 * AMOUNT));
    // Of two that are sent in one transaction, this one arrives nowhere.
    ledger.post(&sent(40, "v", 1_000_000)).await;
    assert_eq!(ledger.usdc(40).await, (1_000_000, 2 * AMOUNT));
    assert_eq!(ledger.number(REVIEWS).await, 0);
}

async fn different_amounts_are_reviewed(ledger: &TestLedger) {
    ledger.post(&received(50, "r", AMOUNT - 1)).await;
    ledger.post(&sent(50, "s", AMOUNT)).await;
    assert_eq!(ledger.usdc(50).await, (AMOUNT, AMOUNT - 1));
    assert_eq!(ledger.number(REVIEWS).await, 1);
    // The other transfer of the same transaction is the one that it is.
    ledger.post(&received(50, "t", AMOUNT)).await;
    assert_eq!((ledger.usdc(50).await, ledger.number(REVIEWS).await), ((0, 2 * AMOUNT - 1), 0));
}
