//! Journals: two persons, repetition, reversal, refusals.

use domain::{AccountScope, CashKind, Currency, EntryStatus, Journal, KeyMode, Money, Role, Scopes, Side};

use super::day;
use super::fixture::{TestLedger, now};
use super::scenarios::check_sums;
use crate::actor::Actor;
use crate::api_keys::{ApiKeySecret, ApiKeySettings, KEY_OVERLAP_DEFAULT, KEY_VALIDITY_DEFAULT};
use crate::journals::{JournalError, JournalRecord, JournalState, Maker, Reversal};

pub(super) const ANA: Actor<'_> = Actor::named("key:ana");
pub(super) const BEN: Actor<'_> = Actor::named("key:ben");
const CASH: &str = "user/alpaca:a1/fiat_exposure";

pub(super) async fn all<F: Future<Output = TestLedger>>(mut open: impl FnMut() -> F) {
    a_journal_above_the_limit_needs_two_persons(&open().await).await;
    keys_of_one_person_do_not_approve(&open().await).await;
    what_has_no_dollar_price_needs_two_persons(&open().await).await;
    racing_copies_of_a_request_make_one_journal(&open().await).await;
    a_journal_is_reversed_once(&open().await).await;
    a_refused_journal_leaves_nothing(&open().await).await;
    a_full_holding_takes_no_journal(&open().await).await;
    a_journal_that_was_changed_in_the_database_is_not_posted(&open().await).await;
}

pub(super) fn maker<'a>(actor: Actor<'a>, key: &'a str, approval_above: i64) -> Maker<'a> {
    Maker {
        actor,
        idempotency_key: key,
        approval_above: Money::from_minor(approval_above * 100, Currency::Usd),
    }
}

pub(super) fn journal(lines: &str) -> Journal {
    let text = format!(r#"{{"effective_at":"2026-03-02T18:00:00Z","reference":"r","reason":"why",{lines}}}"#);
    serde_json::from_str(&text).unwrap()
}

fn fee(amount: &str) -> Journal {
    journal(&format!(
        r#""postings":[{{"kind":"fee","entries":[{{"account":"{CASH}","amount":"-{amount}","currency":"USD"}},
        {{"account":"system/fees","amount":"{amount}","currency":"USD"}}]}}]"#
    ))
}

/// 1,000.00 of cash, and 10 shares that cost 250.00.
pub(super) async fn fund(ledger: &TestLedger) {
    let deposit = day::cash("10:00:00", "alpaca:d1", CashKind::Deposit, 100_000, EntryStatus::Executed);
    let buy = day::fill("11:00:00", "AAPL", ("alpaca:o1", "alpaca:e1"), Side::Buy, ("10", 25_000));
    ledger.post(&[deposit, buy]).await;
}

async fn create(
    ledger: &TestLedger,
    journal: &Journal,
    maker: Maker<'_>,
) -> Result<JournalRecord, JournalError> {
    ledger.store.create_journal(journal, maker, now()).await
}

async fn a_journal_above_the_limit_needs_two_persons(ledger: &TestLedger) {
    fund(ledger).await;
    let small = create(ledger, &fee("100.00"), maker(ANA, "1", 100)).await.unwrap();
    assert_eq!((small.state, small.checked_by), (JournalState::Posted, None));
    let large = create(ledger, &fee("100.01"), maker(ANA, "2", 100)).await.unwrap();
    assert_eq!(large.state, JournalState::Pending);
    // 750.00 less 100.00: the pending journal posts nothing.
    assert_eq!(ledger.balance(CASH, "USD").await, 65_000);
    let own = ledger.store.approve_journal(large.id, ANA, now()).await.unwrap_err();
    assert!(own.to_string().contains("another person must approve it"), "{own}");
    for _ in 0..2 {
        let approved = ledger.store.approve_journal(large.id, BEN, now()).await.unwrap();
        assert_eq!((approved.state, approved.checked_by.as_deref()), (JournalState::Posted, Some("key:ben")));
        assert_eq!(ledger.balance(CASH, "USD").await, 54_999);
    }
    let late = ledger.store.reject_journal(large.id, "late", BEN, now()).await;
    assert!(matches!(late, Err(JournalError::State { state: JournalState::Posted, .. })), "{late:?}");
    // Zero: every journal needs two persons. Its maker may withdraw it.
    let withdrawn = create(ledger, &fee("0.01"), maker(ANA, "3", 0)).await.unwrap();
    let withdrawn = ledger.store.reject_journal(withdrawn.id, "a slip", ANA, now()).await.unwrap();
    assert_eq!((withdrawn.state, withdrawn.rejection.as_deref()), (JournalState::Rejected, Some("a slip")));
    assert!(ledger.store.approve_journal(withdrawn.id, BEN, now()).await.is_err());
    assert_eq!(ledger.balance(CASH, "USD").await, 54_999);
    check_sums(ledger).await;
    let actions = "SELECT COUNT(*) AS number FROM audit_entries WHERE action LIKE 'journals.%'";
    assert_eq!(ledger.number(actions).await, 5);
    ledger.store.verify_audit(None, |_, _| {}).await.unwrap();
}

async fn keys_of_one_person_do_not_approve(ledger: &TestLedger) {
    fund(ledger).await;
    let secret = |number: u8| ApiKeySecret {
        id: format!("id{number:06}").parse().unwrap(),
        digest: [number; 32],
        last_characters: "wxyz".to_owned(),
    };
    let settings = ApiKeySettings {
        mode: KeyMode::Test,
        name: "key".to_owned(),
        role: Role::Admin,
        scopes: Scopes::ALL,
        accounts: AccountScope::All,
        ips: Vec::new(),
        per_minute: None,
        burst: None,
        concurrency: None,
        metadata: serde_json::Map::new(),
    };
    let names: Vec<String> = (0..7).map(|number| format!("key:id{number:06}")).collect();
    let actor = |number: usize| Actor::named(&names[number]);
    let ends_by = now() + KEY_VALIDITY_DEFAULT;
    let create_key = async |number: u8, by: Actor<'_>| {
        ledger.store.create_api_key(&settings, ends_by, &secret(number), by, now()).await.unwrap();
    };
    let rotate = async |old: u8, new: u8, by: Actor<'_>| {
        let (id, validity) = (secret(old).id, (KEY_OVERLAP_DEFAULT, ends_by));
        ledger.store.rotate_api_key(id, validity, &secret(new), by, now()).await.unwrap();
    };
    // 0 creates 1 and 4; 1 is rotated to 2 and 3, 4 to 5; 4 creates 6.
    create_key(0, Actor::named("bootstrap")).await;
    create_key(1, actor(0)).await;
    create_key(4, actor(0)).await;
    rotate(1, 2, actor(1)).await;
    rotate(2, 3, actor(2)).await;
    rotate(4, 5, actor(4)).await;
    create_key(6, actor(4)).await;
    for (maker_key, checker, is_approved) in [
        (1, 3, false),
        (3, 1, false),
        (3, 2, false),
        (0, 3, false),
        (3, 0, false),
        (5, 6, false),
        (6, 5, false),
        (3, 5, true),
        (6, 3, true),
    ] {
        let key = format!("{maker_key}-{checker}");
        let made = create(ledger, &fee("0.01"), maker(actor(maker_key), &key, 0)).await.unwrap();
        let approved = ledger.store.approve_journal(made.id, actor(checker), now()).await;
        match approved {
            Ok(_) => assert!(is_approved, "{key}"),
            Err(JournalError::OwnApproval(_)) => assert!(!is_approved, "{key}"),
            Err(error) => panic!("{key}: {error}"),
        }
    }
}

async fn what_has_no_dollar_price_needs_two_persons(ledger: &TestLedger) {
    fund(ledger).await;
    let share =
        |rest: &str| format!(r#""shares":[{{"account":"alpaca:a1","symbol":"AAPL","quantity":"1"{rest}}}]"#);
    let cost = |cost: &str| {
        share(&format!(r#","cost":"{cost}","currency":"USD""#))
            .replace(r#""quantity":"1""#, r#""quantity":"0""#)
    };
    let euros = r#""postings":[{"kind":"fee","entries":[{"account":"system/income","amount":"-0.01","currency":"EUR"},
        {"account":"system/fees","amount":"0.01","currency":"EUR"}]}]"#;
    for (key, lines, expected) in [
        ("1", euros.to_owned(), JournalState::Pending),
        ("2", share(""), JournalState::Pending),
        ("3", share(r#","is_split":true"#), JournalState::Pending),
        // A token cost says nothing of their value.
        ("4", share(r#","cost":"0.01","currency":"USD""#), JournalState::Pending),
        ("5", cost("1000.00"), JournalState::Posted),
        ("6", cost("1000.01"), JournalState::Pending),
    ] {
        let record = create(ledger, &journal(&lines), maker(ANA, key, 1_000)).await.unwrap();
        assert_eq!(record.state, expected, "{lines}");
    }
}

async fn racing_copies_of_a_request_make_one_journal(ledger: &TestLedger) {
    fund(ledger).await;
    let copies = (0..64).map(|_| {
        let ledger = ledger.clone();
        tokio::spawn(async move { create(&ledger, &fee("5.00"), maker(ANA, "one", 100)).await.unwrap().id })
    });
    let mut ids = std::collections::BTreeSet::new();
    for copy in copies.collect::<Vec<_>>() {
        ids.insert(copy.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(ledger.number("SELECT COUNT(*) AS number FROM journals").await, 1);
    assert_eq!(ledger.balance("system/fees", "USD").await, 500);
    let other = create(ledger, &fee("5.01"), maker(ANA, "one", 100)).await;
    assert!(matches!(other, Err(JournalError::KeyReused)), "{other:?}");
    // The key of another person is another key.
    create(ledger, &fee("5.01"), maker(BEN, "one", 100)).await.unwrap();
    assert_eq!(ledger.balance("system/fees", "USD").await, 1_001);
}

async fn a_journal_is_reversed_once(ledger: &TestLedger) {
    fund(ledger).await;
    let before = ledger.contents().await;
    let both = Journal {
        shares: journal(
            r#""shares":[{"account":"alpaca:a1","symbol":"AAPL","quantity":"-10","cost":"-250.00","currency":"USD"},
            {"account":"alpaca:a1","symbol":"MSFT","quantity":"5","cost":"250.00","currency":"USD"}]"#,
        )
        .shares,
        ..fee("5.00")
    };
    let original = create(ledger, &both, maker(ANA, "one", 10_000)).await.unwrap();
    let original = ledger.store.approve_journal(original.id, BEN, now()).await.unwrap();
    assert_eq!(original.state, JournalState::Posted);
    let reversal = Reversal {
        reason: "wrong account".to_owned(),
        evidence: None,
        effective_at: None,
        allow_overdraft: false,
    };
    let attempts = (0..64).map(|attempt| {
        let (ledger, reversal) = (ledger.clone(), reversal.clone());
        tokio::spawn(async move {
            let key = attempt.to_string();
            ledger.store.reverse_journal(original.id, &reversal, maker(BEN, &key, 10_000), now()).await
        })
    });
    let mut reversals = Vec::new();
    for attempt in attempts.collect::<Vec<_>>() {
        match attempt.await.unwrap() {
            Ok(record) => reversals.push(record),
            Err(error) => assert!(matches!(error, JournalError::AlreadyReversed(_)), "{error}"),
        }
    }
    assert_eq!(reversals.len(), 1);
    assert_eq!(reversals[0].reverses, Some(original.id));
    ledger.store.approve_journal(reversals[0].id, ANA, now()).await.unwrap();
    let stored = ledger.store.journal(original.id).await.unwrap().unwrap();
    assert_eq!(stored.reversed_by, Some(reversals[0].id));
    let is_position = |line: &&String| line.starts_with("alpaca:a1 AAPL") || line.starts_with(CASH);
    let positions = |lines: &[String]| {
        // Without the time of the last fact.
        let short = |line: &String| line.rsplit_once(' ').unwrap().0.to_owned();
        lines.iter().filter(is_position).map(short).collect::<Vec<_>>()
    };
    let after = ledger.contents().await;
    assert_eq!(positions(&after), positions(&before));
    assert_eq!(ledger.balance("system/fees", "USD").await, 0);
    assert!(after.iter().any(|line| line.starts_with("alpaca:a1 MSFT 0 0 ")), "{after:?}");
    let again =
        ledger.store.reverse_journal(reversals[0].id, &reversal, maker(BEN, "x", 10_000), now()).await;
    assert!(matches!(again, Err(JournalError::Reversal(_))), "{again:?}");
    check_sums(ledger).await;
}

async fn a_refused_journal_leaves_nothing(ledger: &TestLedger) {
    fund(ledger).await;
    let before = ledger.contents().await;
    let share = |symbol: &str, rest: &str| {
        let lines = format!(r#""shares":[{{"account":"alpaca:a1","symbol":"{symbol}",{rest}}}]"#);
        Journal { shares: journal(&lines).shares, ..fee("5.00") }
    };
    let cost =
        |quantity: &str, cost: &str| format!(r#""quantity":"{quantity}","cost":"{cost}","currency":"USD""#);
    let unknown = Journal { postings: fee("1.00").postings, ..journal(r#""shares":[]"#) };
    let text = serde_json::to_string(&unknown).unwrap().replace("alpaca:a1", "alpaca:a9");
    let unknown: Journal = serde_json::from_str(&text).unwrap();
    let later = Journal { effective_at: now() + jiff::SignedDuration::from_secs(1), ..fee("5.00") };
    for (journal, expected) in [
        (unknown, "account alpaca:a9 is unknown"),
        (share("AAPL", &cost("-11", "-250.00")), "AAPL in alpaca:a1 would have -1 shares"),
        (share("AAPL", &cost("-10", "-249.00")), "would have 0 shares"),
        (share("AAPL", &cost("0", "-250.01")), "would have 10 shares at a cost of -0.01 USD"),
        (share("MSFT", r#""quantity":"9","is_split":true"#), "MSFT in alpaca:a1 would have 0 shares"),
        (
            share("AAPL", r#""quantity":"1","cost":"1.00","currency":"EUR""#),
            "would have 11 shares at a cost of 250.00 USD",
        ),
        (later, "effective_at must be"),
    ] {
        let journal_lines = serde_json::to_string(&journal).unwrap();
        // Approved by another person where it needs approval: pending ones are refused then.
        let refused = match create(ledger, &journal, maker(ANA, expected, 1_000_000)).await {
            Ok(record) if record.state == JournalState::Pending => {
                let refused = ledger.store.approve_journal(record.id, BEN, now()).await;
                ledger.store.reject_journal(record.id, "refused", BEN, now()).await.unwrap();
                refused
            }
            other => other,
        };
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(expected), "{journal_lines}: {refused}");
        assert_eq!(ledger.contents().await, before, "{journal_lines}");
    }
    let posted = "SELECT COUNT(*) AS number FROM journals WHERE state <> 'rejected'";
    assert_eq!(ledger.number(posted).await, 0);
}

/// A holding with 200,000 facts stores more and folds none of them: the money would move without the shares.
async fn a_full_holding_takes_no_journal(ledger: &TestLedger) {
    fund(ledger).await;
    let full = "UPDATE ledger_subjects SET facts = 200000 WHERE subject = 'holding/alpaca:a1/AAPL'";
    assert_eq!(ledger.run(full).await.unwrap(), 1);
    let shares =
        r#""shares":[{"account":"alpaca:a1","symbol":"AAPL","quantity":"1","cost":"5.00","currency":"USD"}]"#;
    let both = Journal { shares: journal(shares).shares, ..fee("5.00") };
    let pending = create(ledger, &both, maker(ANA, "one", 0)).await.unwrap();
    let refused = ledger.store.approve_journal(pending.id, BEN, now()).await;
    assert!(matches!(refused, Err(JournalError::TooManyFacts { .. })), "{refused:?}");
    assert_eq!(ledger.balance("system/fees", "USD").await, 0);
}

async fn a_journal_that_was_changed_in_the_database_is_not_posted(ledger: &TestLedger) {
    fund(ledger).await;
    let findings = async || {
        let verified = ledger.store.verify_ledger(None, |_, _| ()).await.unwrap();
        let named = verified.findings.iter().map(|finding| format!("{} {}", finding.place, finding.problem));
        named.collect::<Vec<_>>()
    };
    let pending = create(ledger, &fee("5.00"), maker(ANA, "1", 0)).await.unwrap();
    let posted = create(ledger, &fee("1.00"), maker(ANA, "2", 100)).await.unwrap();
    assert_eq!(findings().await, Vec::<String>::new());
    // 5.00 becomes 5000.00; the maker becomes another person.
    for (change, back) in [
        (
            "UPDATE journals SET content = REPLACE(content, '5.00', '5000.00')",
            "UPDATE journals SET content = REPLACE(content, '5000.00', '5.00')",
        ),
        (
            "UPDATE journals SET made_by = 'key:eve' WHERE id = 1",
            "UPDATE journals SET made_by = 'key:ana' WHERE id = 1",
        ),
    ] {
        ledger.run(change).await.unwrap();
        let refused = ledger.store.approve_journal(pending.id, BEN, now()).await;
        assert!(matches!(refused, Err(JournalError::Altered { .. })), "{change}: {refused:?}");
        assert_eq!(findings().await, ["journals 1 altered"], "{change}");
        ledger.run(back).await.unwrap();
    }
    ledger.run("UPDATE journals SET content = REPLACE(content, '1.00', '0.01') WHERE id = 2").await.unwrap();
    let reversal =
        Reversal { reason: "no".to_owned(), evidence: None, effective_at: None, allow_overdraft: false };
    let refused = ledger.store.reverse_journal(posted.id, &reversal, maker(BEN, "3", 100), now()).await;
    assert!(matches!(refused, Err(JournalError::Altered { .. })), "{refused:?}");
    ledger.run("UPDATE journals SET content = REPLACE(content, '0.01', '1.00') WHERE id = 2").await.unwrap();
    // A rejected journal that is put back as it was has a proof, and is not what the audit chain says.
    ledger.run("CREATE TABLE kept AS SELECT * FROM journals WHERE id = 1").await.unwrap();
    ledger.store.reject_journal(pending.id, "no", BEN, now()).await.unwrap();
    let back = "UPDATE journals SET state = 'pending', checked_by = NULL, decided_at = NULL, rejection = NULL, \
        proof = (SELECT proof FROM kept) WHERE id = 1";
    ledger.run(back).await.unwrap();
    assert_eq!(findings().await, ["journals 1 altered"]);
    ledger.run("DELETE FROM journals WHERE id = 1").await.unwrap();
    assert_eq!(findings().await, ["journals 1 missing"]);
    let extra = "INSERT INTO journals (made_by, idempotency_key, request_sha256, content, state, made_at, proof) \
        SELECT 'key:eve', idempotency_key, request_sha256, content, state, made_at, proof FROM kept";
    ledger.run(extra).await.unwrap();
    assert!(findings().await.iter().any(|finding| finding.ends_with(" extra")), "{:?}", findings().await);
}
