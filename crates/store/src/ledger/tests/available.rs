//! What is posted, on its way and available, and the limit of journals. The figures are computed by hand.

use domain::{
    AccountScope, CashKind, Direction, EntryStatus, Fact, FactKind, Journal, OrderStatus, PostingMode, Side,
    TransferStatus,
};

use super::day;
use super::fixture::{TestLedger, now};
use super::journals::{ANA, BEN, journal, maker};
use super::scenarios::check_sums;
use crate::journals::{JournalError, JournalState, Reversal};
use crate::ledger::{AccountBalance, Moment};

/// Racing withdrawals.
const WITHDRAWALS: usize = 64;

pub(super) async fn all<F: Future<Output = TestLedger>>(mut open: impl FnMut() -> F) {
    each_account_shows_what_is_posted_pending_and_available(&open().await).await;
    racing_withdrawals_take_what_is_available_and_no_more(&open().await).await;
    what_left_in_between_is_not_approved(&open().await).await;
    an_overdraft_needs_the_word_of_two_persons(&open().await).await;
}

fn withdrawal(account: &str, amount: &str) -> Journal {
    journal(&format!(
        r#""postings":[{{"kind":"withdrawal","entries":[{{"account":"user/{account}/fiat_exposure","amount":"-{amount}","currency":"USD"}},
        {{"account":"system/clearing/alpaca","amount":"{amount}","currency":"USD"}}]}}]"#
    ))
}

fn cash(id: &str, kind: CashKind, cents: i64, status: EntryStatus) -> Fact {
    day::cash("10:00:00", id, kind, cents, status)
}

/// Posted, in, out and available of each account, in smallest units.
async fn balances(ledger: &TestLedger, account: &str) -> Vec<String> {
    let account = account.parse().unwrap();
    let portfolio = ledger.store.portfolio(&AccountScope::All, &account, now()).await.unwrap().unwrap();
    let balances = portfolio.balances.iter().filter(|balance| !balance.is_zero());
    let line = |balance: &crate::Balance| {
        let crate::Balance { bucket, posted, pending_in, pending_out } = balance;
        let available = balance.available().minor();
        format!("{bucket} {} {} {} {available}", posted.minor(), pending_in.minor(), pending_out.minor())
    };
    balances.map(line).collect()
}

/// The same of all accounts, page by page.
async fn listed(ledger: &TestLedger, moment: Moment) -> Vec<String> {
    let (mut lines, mut after) = (Vec::new(), None::<String>);
    loop {
        let scope = (&AccountScope::All, None);
        let page = ledger.store.account_balances(scope, moment, after.as_deref(), 1).await.unwrap();
        for balance in page.balances.iter().filter(|balance| !balance.is_zero()) {
            let AccountBalance { account, posted, with_pending } = balance;
            let pending = with_pending.map_or_else(String::new, |balance| {
                let pending = [balance.pending_in, balance.pending_out, balance.available()];
                pending.map(|total| format!(" {}", total.minor())).concat()
            });
            lines.push(format!("{account} {}{pending}", posted.minor()));
        }
        after = page.next_after;
        if after.is_none() {
            return lines;
        }
    }
}

async fn each_account_shows_what_is_posted_pending_and_available(ledger: &TestLedger) {
    let memo = |fact: Fact| match fact.kind {
        FactKind::Transfer { account, direction, amount, status, .. } => {
            let posting_mode = PostingMode::Memo;
            Fact { kind: FactKind::Transfer { account, direction, amount, status, posting_mode }, ..fact }
        }
        _ => fact,
    };
    let transfer =
        |id, direction, micros| day::transfer("10:05:00", id, direction, micros, TransferStatus::Pending);
    // Nothing is posted yet.
    ledger.post(&[cash("alpaca:d2", CashKind::Deposit, 3_000, EntryStatus::Pending)]).await;
    assert_eq!(listed(ledger, Moment::default()).await, ["user/alpaca:a1/fiat_exposure 0 3000 0 0"]);
    ledger
        .post(&[
            cash("alpaca:d1", CashKind::Deposit, 100_000, EntryStatus::Executed),
            // 300.00 set aside, of which 100.00 are spent: 1,000.00 − 100.00 − 200.00 = 700.00 are left.
            day::order("10:01:00", "AAPL", "alpaca:o1", (Side::Buy, OrderStatus::Open), Some(30_000)),
            day::fill("10:02:00", "AAPL", ("alpaca:o1", "alpaca:e1"), Side::Buy, ("4", 10_000)),
            cash("alpaca:w1", CashKind::Withdrawal, -5_000, EntryStatus::Pending),
            cash("alpaca:w2", CashKind::Withdrawal, -7_000, EntryStatus::Canceled),
            // 100 USDC: 70 for spending, 30 in the stash.
            day::deposit_of_usdc("10:04:00", "bridge:t1", 100_000_000),
            transfer("bridge:t2", Direction::Outbound, 25_000_000),
            transfer("bridge:t3", Direction::Inbound, 10_000_000),
            memo(transfer("bridge:t4", Direction::Outbound, 1_000_000)),
        ])
        .await;
    let out = ledger.store.create_journal(&withdrawal("alpaca:a1", "20.00"), maker(ANA, "1", 0), now()).await;
    assert_eq!(out.unwrap().state, JournalState::Pending);
    let alpaca = ["fiat_exposure 70000 3000 7000 63000", "pending_investment 20000 0 20000 0"];
    assert_eq!(balances(ledger, "alpaca:a1").await, alpaca);
    let open = "SELECT CAST(SUM(reserve - notional) AS BIGINT) AS number FROM orders WHERE side = 'buy' \
        AND status IN ('open', 'partially_filled')";
    assert_eq!(ledger.number(open).await, 20_000);
    let bridge = [
        "usdc_balance 0 10000000 0 0",
        "spending_balance 70000000 0 25000000 45000000",
        "stash_balance 30000000 0 0 30000000",
    ];
    assert_eq!(balances(ledger, "bridge:c1").await, bridge);
    ledger.post(&[day::account_of("alpaca:a2")]).await;
    let back = ::ledger::reversed(&withdrawal("alpaca:a2", "1.00")).unwrap();
    ledger.store.create_journal(&back, maker(ANA, "2", 0), now()).await.unwrap();
    let all = [
        "system/clearing/alpaca -100000",
        "system/clearing/bridge -100000000",
        "system/securities_clearing 10000",
        "user/alpaca:a1/fiat_exposure 70000 3000 7000 63000",
        "user/alpaca:a1/pending_investment 20000 0 20000 0",
        "user/alpaca:a2/fiat_exposure 0 100 0 0",
        "user/bridge:c1/spending_balance 70000000 0 25000000 45000000",
        "user/bridge:c1/stash_balance 30000000 0 0 30000000",
        "user/bridge:c1/usdc_balance 0 10000000 0 0",
    ];
    assert_eq!(listed(ledger, Moment::default()).await, all);
    let posted = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let posted: Vec<String> = all.map(posted).into_iter().filter(|line| !line.ends_with(" 0")).collect();
    assert_eq!(listed(ledger, Moment { as_of: Some(now()), known_at: None }).await, posted);
    // What arrived or failed is on its way no more.
    let settled = |id, direction, micros, status| day::transfer("11:00:00", id, direction, micros, status);
    ledger
        .post(&[
            settled("bridge:t2", Direction::Outbound, 25_000_000, TransferStatus::Settled),
            settled("bridge:t3", Direction::Inbound, 10_000_000, TransferStatus::Failed),
            day::order("11:00:00", "AAPL", "alpaca:o1", (Side::Buy, OrderStatus::Canceled), Some(30_000)),
            day::cash("11:00:00", "alpaca:w1", CashKind::Withdrawal, -5_000, EntryStatus::Executed),
            day::cash("11:00:00", "alpaca:d2", CashKind::Deposit, 3_000, EntryStatus::Executed),
        ])
        .await;
    // 900.00 − 50.00 + 30.00, and the journal still takes 20.00.
    assert_eq!(balances(ledger, "alpaca:a1").await, ["fiat_exposure 88000 0 2000 86000"]);
    let bridge = ["spending_balance 45000000 0 0 45000000", "stash_balance 30000000 0 0 30000000"];
    assert_eq!(balances(ledger, "bridge:c1").await, bridge);
}

/// 64 times 10.00 from 100.00: first each person's journal is posted at once, then each waits for another person.
async fn racing_withdrawals_take_what_is_available_and_no_more(ledger: &TestLedger) {
    for (round, approval_above) in [(1, 1_000), (2, 0)] {
        let deposit = format!("alpaca:d{round}");
        ledger.post(&[cash(&deposit, CashKind::Deposit, 10_000, EntryStatus::Executed)]).await;
        let withdrawals = (0..WITHDRAWALS).map(|number| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let (journal, key) = (withdrawal("alpaca:a1", "10.00"), format!("{round}-{number}"));
                ledger.store.create_journal(&journal, maker(ANA, &key, approval_above), now()).await
            })
        });
        let mut passed = Vec::new();
        for outcome in withdrawals.collect::<Vec<_>>() {
            match outcome.await.unwrap() {
                Ok(record) => passed.push(record),
                Err(error) => assert!(
                    error.to_string().starts_with(
                        "user/alpaca:a1/fiat_exposure has 0.00 USD available, and the journal takes 10.00: "
                    ),
                    "{error}"
                ),
            }
        }
        assert_eq!(passed.len(), 10, "round {round}");
        if approval_above == 0 {
            assert_eq!(balances(ledger, "alpaca:a1").await, ["fiat_exposure 10000 0 10000 0"]);
            // Each counts the others that are pending, and itself once.
            for record in passed {
                ledger.store.approve_journal(record.id, BEN, now()).await.unwrap();
            }
        }
        assert_eq!(balances(ledger, "alpaca:a1").await, Vec::<String>::new());
    }
    check_sums(ledger).await;
}

/// A provider's report is never refused, and what it leaves is not enough.
async fn what_left_in_between_is_not_approved(ledger: &TestLedger) {
    ledger.post(&[cash("alpaca:d1", CashKind::Deposit, 10_000, EntryStatus::Executed)]).await;
    let pending =
        ledger.store.create_journal(&withdrawal("alpaca:a1", "60.00"), maker(ANA, "1", 0), now()).await;
    let pending = pending.unwrap();
    ledger.post(&[cash("alpaca:w1", CashKind::Withdrawal, -15_000, EntryStatus::Executed)]).await;
    // 50.00 are owed.
    let owed = ["fiat_exposure 0 0 6000 -6000", "receivable -5000 0 0 -5000"];
    assert_eq!(balances(ledger, "alpaca:a1").await, owed);
    let refused = ledger.store.approve_journal(pending.id, BEN, now()).await;
    assert!(matches!(refused, Err(JournalError::Overdraft { .. })), "{refused:?}");
    ledger.store.reject_journal(pending.id, "the money is gone", BEN, now()).await.unwrap();
    assert_eq!(balances(ledger, "alpaca:a1").await, ["receivable -5000 0 0 -5000"]);
    // What brings money is not refused, whatever is owed.
    let back = ::ledger::reversed(&withdrawal("alpaca:a1", "20.00")).unwrap();
    ledger.store.create_journal(&back, maker(ANA, "2", 1_000), now()).await.unwrap();
    assert_eq!(balances(ledger, "alpaca:a1").await, ["receivable -3000 0 0 -3000"]);
    check_sums(ledger).await;
}

async fn an_overdraft_needs_the_word_of_two_persons(ledger: &TestLedger) {
    ledger.post(&[cash("alpaca:d1", CashKind::Deposit, 1_000, EntryStatus::Executed)]).await;
    let deposit = ::ledger::reversed(&withdrawal("alpaca:a1", "5.00")).unwrap();
    let deposit = ledger.store.create_journal(&deposit, maker(ANA, "1", 1_000), now()).await.unwrap();
    let overdraft = Journal { allow_overdraft: true, ..withdrawal("alpaca:a1", "15.01") };
    let record = ledger.store.create_journal(&overdraft, maker(ANA, "2", 1_000), now()).await.unwrap();
    assert_eq!(record.state, JournalState::Pending, "below the limit of one person");
    ledger.store.approve_journal(record.id, BEN, now()).await.unwrap();
    assert_eq!(balances(ledger, "alpaca:a1").await, ["receivable -1 0 0 -1"]);
    let reversal = |allow_overdraft| Reversal {
        reason: "it did not arrive".to_owned(),
        evidence: None,
        effective_at: None,
        allow_overdraft,
    };
    let refused =
        ledger.store.reverse_journal(deposit.id, &reversal(false), maker(ANA, "3", 1_000), now()).await;
    assert!(matches!(refused, Err(JournalError::Overdraft { .. })), "{refused:?}");
    let pending =
        ledger.store.reverse_journal(deposit.id, &reversal(true), maker(ANA, "4", 1_000), now()).await;
    ledger.store.approve_journal(pending.unwrap().id, BEN, now()).await.unwrap();
    assert_eq!(balances(ledger, "alpaca:a1").await, ["receivable -501 0 0 -501"]);
    // The reversal of what was allowed is not allowed for that.
    let back = ledger.store.reverse_journal(record.id, &reversal(false), maker(ANA, "5", 1_000), now()).await;
    assert_eq!(back.unwrap().state, JournalState::Posted);
    check_sums(ledger).await;
}
