//! Notifications of Circle. Bodies follow developers.circle.com/api-reference/wallets/common/transactions-inbound and
//! -outbound, and the schemas of npm @circle-fin/circle-sdk 2.9.0 (sdk.json).

use domain::{CoinSide, Direction, FactKind, PostingMode, TransferStatus};
use webhooks::{Interpretation, ProviderSettings, Setting, SettingValue, Unhandled};

use super::{Expected, config, facts, read, reason};

fn transaction(kind: &str, state: &str, more: &str) -> String {
    format!(
        r#"{{"subscriptionId":"s","notificationId":"n","notificationType":"transactions.{kind}","notification":{{"id":"e2cde5d2-edf9-5343-b13b-7172e1949501","blockchain":"ETH-SEPOLIA","walletId":"fef70777-cb2d-5096-a0ea-15dba5662ce6","tokenId":"36b6931a-873a-56a8-8a27-b706b17104ee","amounts":["20.5"],"nfts":null,"state":"{state}",{more}"updateDate":"2025-11-04T05:15:30Z","createDate":"2025-11-04T05:14:25Z"}},"timestamp":"2025-11-04T05:15:31.123456789Z","version":2}}"#
    )
}

#[test]
fn transactions_of_wallets_are_transfers() {
    for (kind, state, direction, status) in [
        ("inbound", "CONFIRMED", Direction::Inbound, TransferStatus::Pending),
        ("inbound", "COMPLETE", Direction::Inbound, TransferStatus::Settled),
        ("inbound", "COMPLETED", Direction::Inbound, TransferStatus::Settled),
        ("outbound", "INITIATED", Direction::Outbound, TransferStatus::Pending),
        ("outbound", "QUEUED", Direction::Outbound, TransferStatus::Pending),
        ("outbound", "SENT", Direction::Outbound, TransferStatus::Pending),
        ("outbound", "COMPLETE", Direction::Outbound, TransferStatus::Settled),
        ("outbound", "FAILED", Direction::Outbound, TransferStatus::Failed),
        ("outbound", "CANCELED", Direction::Outbound, TransferStatus::Failed),
        ("outbound", "DENIED", Direction::Outbound, TransferStatus::Failed),
    ] {
        let expected = Expected {
            transfer: "circle:e2cde5d2-edf9-5343-b13b-7172e1949501",
            at: "2025-11-04T05:15:30Z",
            account: Some("circle:fef70777-cb2d-5096-a0ea-15dba5662ce6"),
            direction: Some(direction),
            amount: Some("20.5 usdc"),
            status,
            posting_mode: PostingMode::Post,
        };
        assert_eq!(
            facts("circle/direct", &transaction(kind, state, "")),
            [expected.fact()],
            "{kind} {state}"
        );
    }
}

#[test]
fn tokens_that_are_not_known_are_not_guessed() {
    let good = transaction("inbound", "COMPLETE", "");
    for (body, expected) in [
        (good.replace("36b6931a", "aaaaaaaa"), "currency"),
        (good.replace("\"tokenId\"", "\"noToken\""), "currency"),
        (good.replace(r#"["20.5"]"#, "[]"), "unreadable"),
        (good.replace(r#"["20.5"]"#, r#"["-1"]"#), "unreadable"),
        (good.replace(r#"["20.5"]"#, r#"["0.0000001"]"#), "unreadable"),
        (good.replace("\"walletId\"", "\"noWallet\""), "unreadable"),
        (good.replace("COMPLETE", "DREAMING"), "unknown_status"),
        (transaction("outbound", "COMPLETE", r#""transactionType":"CONTRACT_EXECUTION","#), "by_hand"),
    ] {
        assert_eq!(reason("circle/direct", &body), expected, "{body}");
    }
    let two = good.replace(r#"["20.5"]"#, r#"["0.1","0.2"]"#);
    let FactKind::Transfer { amount, .. } = facts("circle/direct", &two)[0].kind else {
        panic!("a transfer")
    };
    // 0.1 + 0.2 is 0.3 in decimals.
    assert_eq!(amount, Some(super::money("0.3 usdc")));
}

#[test]
fn every_other_type_of_the_second_system_is_known_or_kept() {
    for (kind, expected) in [
        ("challenges.initialize", "no_effect"),
        ("contracts.eventLog", "no_effect"),
        ("modularWallet.userOperation", "by_hand"),
        ("travelRule.approve", "no_effect"),
        ("rampSession.completed", "no_effect"),
        ("cpn.payment.completed", "by_hand"),
        ("gateway.deposit.finalized", "by_hand"),
        ("custody.transfer", "unknown_type"),
        ("", "unknown_type"),
    ] {
        let body = format!(
            r#"{{"notificationType":"{kind}","notification":{{}},"timestamp":"2026-01-01T00:00:00Z"}}"#
        );
        assert_eq!(reason("circle/direct", &body), expected, "{kind}");
    }
    let ping = r#"{"notificationType":"webhooks.test","notification":{"hello":"world"}}"#;
    assert_eq!(read("circle/direct", ping, &config()), Interpretation::Test);
}

const CHAIN: &str = r#"{"type":"blockchain","address":"0x1","chain":"ETH"}"#;
const WALLET: &str = r#"{"type":"wallet","id":"1000662797"}"#;

fn transfer(source: &str, destination: &str, status: &str) -> String {
    format!(
        r#"{{"id":"b8627ae8","source":{source},"destination":{destination},"amount":{{"amount":"3.14","currency":"USD"}},"status":"{status}","createDate":"2020-04-10T02:13:30.000Z"}}"#
    )
}

/// The message as SNS posts it: the notification is a text inside.
fn mint(kind: &str, resource: &str) -> String {
    let (name, object) = resource.split_once(' ').unwrap();
    let inner = format!(r#"{{"clientId":"c","notificationType":"{kind}","version":1,"{name}":{object}}}"#);
    serde_json::json!({"Type": "Notification", "Timestamp": "2026-01-02T15:04:05.123Z", "Message": inner})
        .to_string()
}

fn expected(direction: Direction, amount: &'static str, status: TransferStatus) -> domain::Fact {
    Expected {
        transfer: "circle:b8627ae8",
        at: "2026-01-02T15:04:05.123Z",
        account: Some("circle:1000662797"),
        direction: Some(direction),
        amount: Some(amount),
        status,
        posting_mode: PostingMode::Post,
    }
    .fact()
}

#[test]
fn transfers_of_mint_enter_or_leave_a_wallet() {
    for (source, destination, status, direction, expected_status) in [
        (CHAIN, WALLET, "pending", Direction::Inbound, TransferStatus::Pending),
        (CHAIN, WALLET, "complete", Direction::Inbound, TransferStatus::Settled),
        (WALLET, CHAIN, "complete", Direction::Outbound, TransferStatus::Settled),
        (WALLET, CHAIN, "failed", Direction::Outbound, TransferStatus::Failed),
    ] {
        let body = mint("transfers", &format!("transfer {}", transfer(source, destination, status)));
        assert_eq!(facts("circle/sns", &body), [expected(direction, "3.14 usdc", expected_status)], "{body}");
    }
    let between = mint("transfers", &format!("transfer {}", transfer(WALLET, WALLET, "complete")));
    assert_eq!(reason("circle/sns", &between), "by_hand");
}

#[test]
fn transfers_in_the_seeds_servers_names_are_read_too() {
    for (name, status) in [
        ("created", TransferStatus::Pending),
        ("completed", TransferStatus::Settled),
        ("failed", TransferStatus::Failed),
    ] {
        let object = transfer(CHAIN, WALLET, "").replace(r#""status":"","#, "");
        let body = format!(
            r#"{{"notificationType":"transfers.{name}","transfer":{object},"timestamp":"2026-01-02T15:04:05.123Z"}}"#
        );
        assert_eq!(
            facts("circle/direct", &body),
            [expected(Direction::Inbound, "3.14 usdc", status)],
            "{name}"
        );
    }
}

#[test]
fn payments_and_deposits_count_less_their_fee() {
    let payment = r#"payment {"id":"b8627ae8","type":"payment","merchantWalletId":"1000662797","amount":{"amount":"3.14","currency":"USD"},"fees":{"amount":"0.14","currency":"USD"},"status":"paid","source":{"id":"x","type":"wire"}}"#;
    let settled = |amount| expected(Direction::Inbound, amount, TransferStatus::Settled);
    assert_eq!(facts("circle/sns", &mint("payments", payment)), [settled("3 usdc")]);
    let deposit = r#"deposit {"id":"b8627ae8","sourceWalletId":"w","destination":{"type":"wallet","id":"1000662797"},"amount":{"amount":"3.14","currency":"USD"},"status":"complete"}"#;
    assert_eq!(facts("circle/sns", &mint("deposits", deposit)), [settled("3.14 usdc")]);
    for (status, expected_status) in [
        ("pending", TransferStatus::Pending),
        ("confirmed", TransferStatus::Pending),
        ("action_required", TransferStatus::Pending),
        ("failed", TransferStatus::Failed),
    ] {
        let body = mint("payments", &payment.replace("paid", status));
        assert_eq!(facts("circle/sns", &body), [expected(Direction::Inbound, "3 usdc", expected_status)]);
    }
    assert_eq!(reason("circle/sns", &mint("payments", &payment.replace("0.14", "3.14"))), "unreadable");
    let other = payment.replacen("USD", "EUR", 1);
    assert_eq!(reason("circle/sns", &mint("payments", &other)), "unreadable");
    let refund = payment.replace(r#""type":"payment""#, r#""type":"refund""#);
    assert_eq!(reason("circle/sns", &mint("payments", &refund)), "by_hand");
}

#[test]
fn a_payout_goes_out_and_can_come_back() {
    let payout = r#"payout {"id":"b8627ae8","sourceWalletId":"1000662797","destination":{"type":"wire","id":"d"},"amount":{"amount":"3.14","currency":"USD"},"fees":{"amount":"0.00","currency":"USD"},"status":"complete","updateDate":"2026-01-02T15:04:05.123Z"}"#;
    let out = |status| expected(Direction::Outbound, "3.14 usdc", status);
    assert_eq!(facts("circle/sns", &mint("payouts", payout)), [out(TransferStatus::Settled)]);
    assert_eq!(facts("circle/sns", &mint("payout", payout)), [out(TransferStatus::Settled)]);
    let returned = payout.replace(r#""status""#, r#""return":{"id":"r","reason":"closed"},"status""#);
    assert_eq!(facts("circle/sns", &mint("payouts", &returned)), [out(TransferStatus::Returned)]);
}

#[test]
fn every_other_type_of_the_first_system_is_known_or_kept() {
    for (kind, expected) in [
        ("paymentIntents", "no_effect"),
        ("addressBookRecipients", "no_effect"),
        ("wire", "no_effect"),
        ("settlements", "by_hand"),
        ("chargebacks", "by_hand"),
        ("creditTransfer", "by_hand"),
        ("news", "unknown_type"),
    ] {
        assert_eq!(reason("circle/sns", &mint(kind, "x {}")), expected, "{kind}");
    }
    let no_json = r#"{"Type":"Notification","Timestamp":"2026-01-02T15:04:05Z","Message":"hello"}"#;
    assert_eq!(reason("circle/sns", no_json), "unknown_type");
    assert_eq!(reason("circle/sns", r#"{"Type":"SubscriptionConfirmation"}"#), "no_effect");
}

#[test]
fn a_token_that_is_not_known_names_the_setting_that_would_make_it_known() {
    let settings = config().with("webhooks.circle.usdc_token_ids", &SettingValue::List(Vec::new()));
    let body = transaction("inbound", "COMPLETE", "");
    let Interpretation::Unhandled(unhandled) = read("circle/direct", &body, &settings) else {
        panic!("{body}")
    };
    assert_eq!(unhandled.reason(), "currency");
    assert!(unhandled.to_string().contains("CIRCLE_USDC_TOKEN_IDS"), "{unhandled}");
}

fn only(senders: &[&str]) -> ProviderSettings {
    let senders = senders.iter().map(ToString::to_string).collect();
    config().with("webhooks.circle.senders", &SettingValue::List(senders))
}

#[test]
fn what_is_addressed_to_another_customer_is_not_ours() {
    let resource = format!("transfer {}", transfer(CHAIN, WALLET, "complete"));
    let bodies = [
        ("circle/direct", "s", transaction("inbound", "COMPLETE", "")),
        ("circle/sns", "c", mint("transfers", &resource)),
    ];
    for (channel, ours, body) in bodies {
        for (settings, expected) in [
            (config(), true),
            (only(&["x", ours]), true),
            (only(&["x"]), false),
            (ProviderSettings::new(true, Setting::default_value), false),
        ] {
            let is_other = read(channel, &body, &settings)
                == Interpretation::Unhandled(Unhandled::OtherCustomer("CIRCLE_SENDERS"));
            assert_eq!(!is_other, expected, "{channel} {settings:?}");
        }
    }
    let only = only(&["x"]);
    let test = r#"{"subscriptionId":"s","notificationId":"n","notificationType":"webhooks.test"}"#;
    assert_eq!(read("circle/direct", test, &only), Interpretation::Test);
    let unsaid = transaction("inbound", "COMPLETE", "").replace("\"subscriptionId\":\"s\",", "");
    assert!(matches!(read("circle/direct", &unsaid, &only), Interpretation::Unhandled(_)));
}

#[test]
fn coins_that_arrive_have_the_hash_of_their_transaction() {
    let hash = format!("0x{}", "CD".repeat(32));
    let received = |channel: &str, body: &str| {
        facts(channel, body).into_iter().find_map(|fact| match fact.kind {
            FactKind::Coins { transaction, side: CoinSide::Received } => Some(transaction.to_string()),
            _ => None,
        })
    };
    let more = format!(r#""txHash":"{hash}","#);
    let of = |kind, state| received("circle/direct", &transaction(kind, state, &more));
    assert_eq!(of("inbound", "COMPLETE"), Some("cd".repeat(32)));
    // Another transaction may take its place until the state is final, and coins that leave are a withdrawal.
    assert_eq!((of("inbound", "CONFIRMED"), of("outbound", "COMPLETE")), (None, None));
}
