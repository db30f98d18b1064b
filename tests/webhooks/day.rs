//! A day of three customers as the providers deliver it, and its results, computed by hand.
//!
//! At the broker, in dollars:
//!
//! ```text
//! + 1,000.00   deposited
//! −   600.40   4 AAPL bought at 150.10 in three executions
//! +   160.00   1 AAPL sold at 160.00
//! +     1.23   dividend
//! +     0.45   interest
//! +     0.02   interest, in the newer form
//! −     0.10   fee
//!     561.20   left; 3 AAPL, cost 600.40 × 3/4 = 450.30
//! ```
//!
//! An order for 1 MSFT with a limit of 300.00 is placed and canceled: its reserve comes back. In the wallet, in USDC:
//! 100.000001 in, of which 30 % rounded down, 30.000000, are stashed and 70.000001 may be spent; 20.000000 go out of those.
//! A customer of Bridge deposits 250.00 dollars, of which 249.500000 USDC arrive: 74.850000 are stashed, 174.650000 may be
//! spent; of those 50.000000 go out, and 10.000000 go out and come back. All other events post nothing.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tests::events::{AlpacaAccount, Trade, bridge, circle_test, circle_transaction, uuid};
use tests::providers::{Providers, SignedRequest, USDC_TOKEN_ID};

/// Left in the broker's account.
pub(crate) const CASH_CENTS: i64 = 56_120;
pub(crate) const DEPOSITED_CENTS: i64 = 100_000;
/// Millionths of USDC deposited, into the wallet and at Bridge.
pub(crate) const DEPOSITED_MICROS: i64 = 100_000_001 + 249_500_000;
/// Millionths of USDC in the wallet that are stashed, and that may be spent.
pub(crate) const WALLET_MICROS: (i64, i64) = (30_000_000, 50_000_001);
/// Millionths of USDC at Bridge that are stashed, and that may be spent.
pub(crate) const CUSTOMER_MICROS: (i64, i64) = (74_850_000, 124_650_000);
/// The price of all shares bought.
pub(crate) const INVESTED_CENTS: i64 = 60_040;
/// Shares of AAPL left, and their cost in cents.
pub(crate) const SHARES: (i64, i64) = (3, 45_030);

/// The broker's customer.
pub(crate) fn investor() -> AlpacaAccount {
    AlpacaAccount::named("investor")
}

/// The wallet's holder in the ledger.
pub(crate) fn wallet() -> String {
    format!("circle:{}", wallet_id())
}

/// Bridge's customer in the ledger.
pub(crate) fn customer() -> String {
    format!("bridge:{}", customer_id())
}

fn customer_id() -> String {
    uuid("a customer of Bridge")
}

fn wallet_id() -> String {
    uuid("wallet of a saver")
}

/// The day in chronological order; the last event is a second before `end`.
pub(crate) fn day(providers: &Providers, end: Timestamp) -> Vec<SignedRequest> {
    let mut requests = broker(providers, end);
    requests.extend(wallets(providers, end));
    requests.extend(customers(providers, end));
    requests
}

fn before(end: Timestamp, seconds: i64) -> Timestamp {
    end.checked_sub(SignedDuration::from_secs(seconds)).unwrap()
}

fn broker(providers: &Providers, end: Timestamp) -> Vec<SignedRequest> {
    let (account, at) = (investor(), |seconds| before(end, seconds));
    let mut requests = Vec::new();
    let mut add = |kind: &str, body: String| requests.push(providers.alpaca(kind, body));
    add("account", account.status(at(60), "", "SUBMITTED"));
    add("account", account.status(at(59), "SUBMITTED", "APPROVED"));
    add("account", account.status(at(58), "APPROVED", "ACTIVE"));
    // The transfer and the entry are about the same money.
    add("transfer", account.transfer(at(57), "first", "", "QUEUED"));
    add("transfer", account.transfer(at(56), "first", "QUEUED", "SENT_TO_CLEARING"));
    add("transfer", account.transfer(at(55), "first", "SENT_TO_CLEARING", "COMPLETE"));
    add("nta", account.entry(at(54), "first", "CSD", "1000.00", "executed"));
    for (second, trade) in trades() {
        add("trade", account.trade(at(second), &trade));
    }
    add("nta", account.entry(at(9), "dividend", "DIV", "1.23", "executed"));
    add("nta", account.entry(at(8), "interest", "INT", "0.45", "executed"));
    add("nta", account.entry(at(7), "fee", "FEE", "-0.10", "executed"));
    add("activity", account.activity(at(6), "more interest", "INT", "0.02"));
    add("journal", account.journal(at(5), "status only", "queued", "executed"));
    requests
}

fn trades() -> Vec<(i64, Trade<'static>)> {
    let buy = Trade {
        event: "new",
        order: "buy",
        side: "buy",
        symbol: "AAPL",
        qty: "4",
        filled: None,
        execution: None,
        limit: None,
    };
    let part =
        |event, filled, execution| Trade { event, filled: Some(filled), execution: Some(execution), ..buy };
    let sell = Trade { order: "sell", side: "sell", qty: "1", ..buy };
    let limit = Trade { order: "limit", symbol: "MSFT", qty: "1", limit: Some("300.00"), ..buy };
    vec![
        (50, buy),
        // 1 at 150.00, then 1.5 at 150.10, then 1.5 at 150.1666…: the average of all four is 150.10.
        (49, part("partial_fill", ("1", "150.00"), ("1", "150.00"))),
        (48, part("partial_fill", ("2.5", "150.06"), ("1.5", "150.10"))),
        (47, part("fill", ("4", "150.10"), ("1.5", "150.166667"))),
        (40, limit),
        (39, Trade { event: "canceled", ..limit }),
        (30, sell),
        (
            29,
            Trade { event: "fill", filled: Some(("1", "160.00")), execution: Some(("1", "160.00")), ..sell },
        ),
    ]
}

fn wallets(providers: &Providers, end: Timestamp) -> Vec<SignedRequest> {
    let request = |seconds, name: &str, way: &str, amount: &str, state: &str| {
        let at = before(end, seconds);
        let body = circle_transaction(
            at,
            &format!("transactions.{way}"),
            &transaction(at, name, way, amount, state),
        );
        providers.circle(body)
    };
    vec![
        request(28, "in", "inbound", "100.000001", "INITIATED"),
        request(27, "in", "inbound", "100.000001", "CONFIRMED"),
        request(26, "in", "inbound", "100.000001", "COMPLETE"),
        request(20, "out", "outbound", "20", "INITIATED"),
        request(19, "out", "outbound", "20", "COMPLETE"),
        request(18, "failed", "outbound", "5", "INITIATED"),
        request(17, "failed", "outbound", "5", "FAILED"),
        providers.circle(circle_transaction(
            before(end, 3),
            "challenges.initialize",
            &json!({"id": uuid("a challenge")}),
        )),
        providers.circle(circle_test(before(end, 2))),
    ]
}

/// A wallet transaction in Circle's format.
pub(crate) fn transaction(at: Timestamp, name: &str, way: &str, amount: &str, state: &str) -> Value {
    json!({
        "id": uuid(&format!("transaction {name}")),
        "blockchain": "MATIC",
        "walletId": wallet_id(),
        "tokenId": USDC_TOKEN_ID,
        "userId": uuid("a saver"),
        "destinationAddress": "0xcac04f0069e4ac9314ac4e608e99278a3bebabcd",
        "amounts": [amount],
        "nftTokenIds": [],
        "refId": "",
        "state": state,
        "errorReason": "",
        "transactionType": way.to_uppercase(),
        "txHash": "0x535ff239a51f2b7b4d2d5e6f2b2f6a4a0e1c5d7b8a9f0e1d2c3b4a5968778695",
        "createDate": at.to_string(),
        "updateDate": at.to_string(),
    })
}

fn customers(providers: &Providers, end: Timestamp) -> Vec<SignedRequest> {
    let mut requests = Vec::new();
    let mut add = |seconds, category: &str, mutation: &str, name: &str, object: Value| {
        requests.push(providers.bridge(bridge(
            before(end, seconds),
            category,
            mutation,
            &uuid(name),
            &object,
        )));
    };
    let customer = |status: &str| json!({"id": customer_id(), "status": status, "type": "individual"});
    add(16, "customer", "created", "a customer of Bridge", customer("not_started"));
    add(15, "customer", "updated.status_transitioned", "a customer of Bridge", customer("active"));
    for (seconds, step, amount, currency) in [
        (14, "funds_received", "250.00", "usd"),
        (13, "payment_submitted", "249.5", "usdc"),
        (12, "payment_processed", "249.5", "usdc"),
    ] {
        add(seconds, "virtual_account.activity", "created", step, deposit(step, amount, currency));
    }
    for (seconds, name, state) in [
        (11, "out", "payment_submitted"),
        (10, "out", "payment_processed"),
        (9, "returning", "payment_processed"),
        (8, "returning", "returned"),
    ] {
        let amount = if name == "out" { "50.0" } else { "10.0" };
        add(seconds, "transfer", "updated.status_transitioned", name, outbound(name, amount, state));
    }
    for category in [
        "kyc_link",
        "card_account",
        "card_transaction",
        "posted_card_account_transaction",
        "card_withdrawal",
        "a_category_of_tomorrow",
    ] {
        add(4, category, "created", category, json!({"id": uuid(category), "customer_id": customer_id()}));
    }
    requests
}

/// A step of a deposit into a virtual account.
fn deposit(step: &str, amount: &str, currency: &str) -> Value {
    json!({
        "id": uuid(&format!("activity {step}")),
        "type": step,
        "customer_id": customer_id(),
        "virtual_account_id": uuid("a virtual account"),
        "deposit_id": uuid("a deposit"),
        "amount": amount,
        "currency": currency,
        "source": {"payment_rail": "ach_push"},
    })
}

/// A payout of tokens as dollars.
fn outbound(name: &str, amount: &str, state: &str) -> Value {
    json!({
        "id": uuid(name),
        "state": state,
        "on_behalf_of": customer_id(),
        "amount": amount,
        "currency": "usdc",
        "source": {"payment_rail": "bridge_wallet", "currency": "usdc"},
        "destination": {"payment_rail": "ach", "currency": "usd"},
        "receipt": {"initial_amount": amount, "final_amount": amount},
    })
}
