//! Events of Bridge. Bodies follow apidocs.bridge.xyz/platform/additional-information/webhooks/structure and the states of
//! its pages about transfers and virtual accounts.

use domain::{AccountStatus, CoinSide, Direction, Fact, FactKind, PostingMode, Subject, TransferStatus};

use super::{Expected, facts, id, reason};

const AT: &str = "2024-02-01T04:32:28.978Z";
const CUSTOMER: &str = "bridge:6ed47d9c-03be-420c-8699-369707ca02e9";

fn event(category: &str, mutation: &str, object: &str) -> String {
    format!(
        r#"{{"api_version":"v0","event_id":"wh_1","event_category":"{category}","event_type":"{mutation}","event_object_id":"o1","event_object_status":null,"event_object":{object},"event_object_changes":{{}},"event_created_at":"{AT}"}}"#
    )
}

/// The sample of the vendor, with another type, currency and amount.
fn activity(kind: &str, amount: &str) -> String {
    let object = format!(
        r#"{{"id":"fecffc8b","type":"{kind}","amount":"{amount}","source":{{"sender_name":"Brown-Beer","payment_rail":"ach_push"}},"gas_fee":"0.0","currency":"usdc","created_at":"2024-02-01T04:31:43.342Z","deposit_id":"c7fab38f-7b65-42d3-bc8d-a694cd1901c1","customer_id":"6ed47d9c-03be-420c-8699-369707ca02e9","subtotal_amount":"1970.0","exchange_fee_amount":"10.0","developer_fee_amount":"20.0"}}"#
    );
    event("virtual_account.activity", "virtual_account.activity.created", &object)
}

fn deposit(status: TransferStatus, amount: Option<&'static str>) -> Fact {
    Expected {
        transfer: "bridge:c7fab38f-7b65-42d3-bc8d-a694cd1901c1",
        at: AT,
        account: Some(CUSTOMER),
        direction: Some(Direction::Inbound),
        amount,
        status,
        posting_mode: PostingMode::Post,
    }
    .fact()
}

#[test]
fn steps_of_a_deposit_are_one_transfer() {
    for (kind, status, amount) in [
        ("funds_scheduled", TransferStatus::Pending, None),
        ("funds_received", TransferStatus::Pending, None),
        ("in_review", TransferStatus::Pending, None),
        ("payment_submitted", TransferStatus::Pending, Some("1970 usdc")),
        ("payment_processed", TransferStatus::Settled, Some("1970 usdc")),
        ("refunded", TransferStatus::Returned, None),
    ] {
        assert_eq!(facts("bridge", &activity(kind, "1970.0")), [deposit(status, amount)], "{kind}");
    }
    for (body, expected) in [
        (activity("microdeposit", "0.1"), "no_effect"),
        (activity("deactivation", "0"), "no_effect"),
        (activity("teleported", "1"), "unknown_status"),
        (activity("payment_processed", "-1"), "unreadable"),
        (activity("payment_processed", "0.0000001"), "unreadable"),
        (activity("payment_processed", "1").replace("usdc", "doge"), "currency"),
        (activity("payment_processed", "1").replace("customer_id", "nobody"), "unreadable"),
    ] {
        assert_eq!(reason("bridge", &body), expected, "{body}");
    }
    let memo = activity("payment_processed", "5").replace("virtual_account.activity", "static_memo.activity");
    assert_eq!(facts("bridge", &memo), [deposit(TransferStatus::Settled, Some("5 usdc"))]);
}

#[test]
fn a_receipt_says_what_arrives_after_fees() {
    let body = activity("payment_processed", "1970.0")
        .replace("\"gas_fee\"", r#""receipt":{"final_amount":"1969.5"},"gas_fee""#);
    assert_eq!(facts("bridge", &body), [deposit(TransferStatus::Settled, Some("1969.5 usdc"))]);
}

#[test]
fn names_of_the_seeds_server_are_read_too() {
    let object = r#"{"id":"c7fab38f-7b65-42d3-bc8d-a694cd1901c1","customer_id":"6ed47d9c-03be-420c-8699-369707ca02e9","amount":"20","currency":"usdc"}"#;
    let of = |name: &str| facts("bridge", &event("virtual_account", name, object));
    assert_eq!(of("virtual_account.deposit.received"), [deposit(TransferStatus::Pending, None)]);
    assert_eq!(of("virtual_account.deposit.completed"), [deposit(TransferStatus::Settled, Some("20 usdc"))]);
    let transfer = r#"{"id":"t1","on_behalf_of":"c1","amount":"10","source":{"payment_rail":"ethereum","currency":"usdc"},"destination":{"payment_rail":"ach","currency":"usd"}}"#;
    for (name, status) in
        [("transfer.completed", TransferStatus::Settled), ("transfer.failed", TransferStatus::Failed)]
    {
        let FactKind::Transfer { status: got, .. } =
            facts("bridge", &event("transfer", name, transfer))[0].kind
        else {
            panic!("a transfer");
        };
        assert_eq!(got, status, "{name}");
    }
    for (name, status) in [
        ("customer.kyc.approved", AccountStatus::Approved),
        ("customer.kyc.rejected", AccountStatus::Rejected),
        ("customer.status_changed", AccountStatus::Active),
    ] {
        let got = facts("bridge", &event("customer", name, r#"{"id":"c1","status":"active"}"#));
        assert_eq!(got[0].kind, FactKind::Account { status }, "{name}");
    }
}

fn transfer(state: &str, source: &str, destination: &str, more: &str) -> String {
    let object = format!(
        r#"{{"id":"t1","state":"{state}","on_behalf_of":"6ed47d9c-03be-420c-8699-369707ca02e9","amount":"100.0","currency":"usd","source":{source},"destination":{destination}{more}}}"#
    );
    // The vendor's own sample leaves the category out of the type.
    event("transfer", "updated.status_transitioned", &object)
}

#[test]
fn money_that_becomes_tokens_comes_in_and_tokens_that_become_money_go_out() {
    let bank = r#"{"payment_rail":"ach","currency":"usd"}"#;
    let chain = r#"{"payment_rail":"base","currency":"usdc"}"#;
    let wallet = r#"{"payment_rail":"bridge_wallet","currency":"usdb"}"#;
    let receipt = r#","receipt":{"initial_amount":"100.0","developer_fee":"1.0","final_amount":"99.0"}"#;
    for (state, source, destination, more, direction, amount, status) in [
        ("awaiting_funds", bank, chain, "", Direction::Inbound, None, TransferStatus::Pending),
        (
            "payment_processed",
            bank,
            chain,
            receipt,
            Direction::Inbound,
            Some("99 usdc"),
            TransferStatus::Settled,
        ),
        (
            "payment_submitted",
            chain,
            bank,
            "",
            Direction::Outbound,
            Some("100 usdc"),
            TransferStatus::Pending,
        ),
        (
            "payment_processed",
            chain,
            bank,
            receipt,
            Direction::Outbound,
            Some("100 usdc"),
            TransferStatus::Settled,
        ),
        ("undeliverable", chain, bank, "", Direction::Outbound, Some("100 usdc"), TransferStatus::Failed),
        ("canceled", bank, chain, "", Direction::Inbound, None, TransferStatus::Failed),
        ("returned", chain, bank, "", Direction::Outbound, Some("100 usdc"), TransferStatus::Returned),
        ("refunded", chain, bank, "", Direction::Outbound, Some("100 usdc"), TransferStatus::Returned),
        (
            "payment_processed",
            chain,
            wallet,
            receipt,
            Direction::Inbound,
            Some("99 usdb"),
            TransferStatus::Settled,
        ),
        (
            "payment_processed",
            wallet,
            chain,
            receipt,
            Direction::Outbound,
            Some("100 usdb"),
            TransferStatus::Settled,
        ),
    ] {
        let expected = Expected {
            transfer: "bridge:t1",
            at: AT,
            account: Some(CUSTOMER),
            direction: Some(direction),
            amount,
            status,
            posting_mode: PostingMode::Post,
        };
        let body = transfer(state, source, destination, more);
        assert_eq!(facts("bridge", &body), [expected.fact()], "{body}");
    }
    assert_eq!(reason("bridge", &transfer("payment_processed", chain, chain, receipt)), "by_hand");
    assert_eq!(reason("bridge", &transfer("payment_processed", bank, bank, receipt)), "by_hand");
    assert_eq!(reason("bridge", &transfer("lost", bank, chain, receipt)), "unknown_status");
    assert_eq!(reason("bridge", &transfer("payment_processed", bank, "{}", receipt)), "currency");
    let no_developer =
        transfer("payment_processed", bank, chain, receipt).replace("\"on_behalf_of\"", "\"nobody\"");
    let FactKind::Transfer { account, .. } = &facts("bridge", &no_developer)[0].kind else {
        panic!("a transfer")
    };
    assert_eq!(*account, None);
}

#[test]
fn drains_that_pass_through_are_kept_to_compare() {
    let drain = |destination: &str| {
        let object = format!(
            r#"{{"id":"d1","amount":"10.0","currency":"usdc","state":"payment_processed","customer_id":"c1","destination":{destination},"receipt":{{"initial_amount":"10.0","final_amount":"9.5"}}}}"#
        );
        let body = event("liquidation_address.drain", "liquidation_address.drain.updated", &object);
        let FactKind::Transfer { posting_mode, direction, .. } = facts("bridge", &body)[0].kind else {
            panic!("a transfer")
        };
        (posting_mode, direction)
    };
    let to_bank = drain(r#"{"payment_rail":"ach","currency":"usd"}"#);
    assert_eq!(to_bank, (PostingMode::Memo, Some(Direction::Outbound)));
    let to_wallet = drain(r#"{"payment_rail":"bridge_wallet","currency":"usdb"}"#);
    assert_eq!(to_wallet, (PostingMode::Post, Some(Direction::Inbound)));
}

#[test]
fn customers_stand_as_bridge_says() {
    for (status, expected) in [
        ("not_started", AccountStatus::Submitted),
        ("incomplete", AccountStatus::Submitted),
        ("under_review", AccountStatus::InReview),
        ("active", AccountStatus::Active),
        ("paused", AccountStatus::Restricted),
        ("rejected", AccountStatus::Rejected),
        ("offboarded", AccountStatus::Closed),
    ] {
        let object = format!(r#"{{"id":"c1","first_name":"A","email":"a@example.com","status":"{status}"}}"#);
        let kind = FactKind::Account { status: expected };
        let expected = Fact { subject: Subject::Account(id("bridge:c1")), at: AT.parse().unwrap(), kind };
        assert_eq!(facts("bridge", &event("customer", "customer.updated", &object)), [expected], "{status}");
    }
    let gone = facts("bridge", &event("customer", "customer.deleted", r#"{"id":"c1","status":"active"}"#));
    assert_eq!(gone[0].kind, FactKind::Account { status: AccountStatus::Closed });
}

#[test]
fn every_other_category_is_known_or_kept() {
    for (category, expected) in [
        ("kyc_link", "no_effect"),
        ("card_account", "no_effect"),
        ("card_transaction", "no_effect"),
        ("posted_card_account_transaction", "by_hand"),
        ("card_withdrawal", "by_hand"),
        ("something.new", "unknown_type"),
        ("", "unknown_type"),
    ] {
        assert_eq!(reason("bridge", &event(category, "created", "{}")), expected, "{category}");
    }
    assert_eq!(reason("bridge", r#"{"message":"Hello World!"}"#), "unknown_type");
}

const HASH: &str = "0xABababababababababababababababababababababababababababababababab";

/// The hash in one form, if the coins were sent.
fn sent(body: &str) -> Option<String> {
    facts("bridge", body).into_iter().find_map(|fact| match fact.kind {
        FactKind::Coins { transaction, side: CoinSide::Sent } => Some(transaction.to_string()),
        _ => None,
    })
}

#[test]
fn coins_that_are_sent_outside_have_the_hash_of_their_transaction() {
    let hash = Some("ab".repeat(32));
    let deposit = |kind| {
        activity(kind, "5").replace("\"gas_fee\"", &format!(r#""destination_tx_hash":"{HASH}","gas_fee""#))
    };
    assert_eq!(sent(&deposit("payment_processed")), hash);
    // The vendor says that the hash of a submitted payment may change.
    assert_eq!(sent(&deposit("payment_submitted")), None);
    // Money is not in a transaction of a blockchain, and the token is not named.
    assert_eq!(reason("bridge", &deposit("payment_processed").replace("usdc", "usd")), "currency");
    let bank = r#"{"payment_rail":"ach","currency":"usd"}"#;
    let receipt = format!(r#","receipt":{{"final_amount":"99.0","destination_tx_hash":"{HASH}"}}"#);
    let to = |rail: &str| {
        let destination = format!(r#"{{"payment_rail":"{rail}","currency":"usdc"}}"#);
        transfer("payment_processed", bank, &destination, &receipt)
    };
    assert_eq!(sent(&to("base")), hash);
    // In a wallet at Bridge they have not left.
    assert_eq!(sent(&to("bridge_wallet")), None);
}
