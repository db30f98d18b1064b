//! The daily close.

use serde_json::json;
use store::{Actor, Place, RebuildMode};

use crate::cases::evidence::work;
use crate::fixture::{TestDatabase, after_s, now, receive};

/// Two shares, of 100.00 each, bought by an account without cash in one batch: its receivable covers 200.00. The digests are those of
/// `printf 'system/securities_clearing\\tUSD\\t20000\\t0\\t2\\nuser/alpaca:a1/fiat_exposure\\tUSD\\t20000\\t-20000\\t3\\n…' | sha256sum`.
pub(crate) async fn a_day_is_closed_once_with_the_same_digest_on_both_databases(database: &TestDatabase) {
    let store = database.open().await;
    let close =
        async |at| store.close_day(Actor::named("test"), at).await.unwrap().map(|day| day.to_string());
    let tomorrow = after_s(86_400);
    assert_eq!(close(tomorrow).await, None, "nothing is recorded");
    receive(&store, 0..2).await;
    work(&store).await;
    assert_eq!(close(now()).await, None, "nothing was recorded before today");
    assert_eq!(close(tomorrow).await.as_deref(), Some("2026-01-02"));
    assert_eq!(close(tomorrow).await, None, "it is closed");
    let entries = store.audit_page(0).await.unwrap();
    let sealed = entries.last().unwrap();
    assert_eq!((sealed.entry.action(), sealed.entry.object()), ("ledger.closed", "ledger/2026-01-02"));
    let detail: serde_json::Value = serde_json::from_str(sealed.entry.detail()).unwrap();
    let expected = json!({
        "day": "2026-01-02",
        "through": sealed.sequence - 1,
        "accounts": 3,
        "totals": { "USD": { "debits": "40000", "credits": "-40000", "entries": 6 } },
        "sha256": "20075c71e92faf8b2a745b2eee5746409d29066c94d552200813f832d7967a87",
        "positions_sha256": "caceadc21164c768b39b466e9355926f7533df22d9c1b51064b6c46df125af2d",
    });
    assert_eq!(detail, expected);
    // What is recorded later is in the next close.
    receive(&store, 2..3).await;
    work(&store).await;
    assert_eq!(store.verify_ledger(None, |_, _| ()).await.unwrap().findings, []);
    let changed =
        database.tamper("ledger_entries", "UPDATE ledger_entries SET minor = minor * 3 WHERE id = 1").await;
    assert!(changed);
    let found = store.verify_ledger(None, |_, _| ()).await.unwrap().findings;
    let day = Place::Close("2026-01-02".to_owned());
    assert_eq!(found.iter().filter(|finding| finding.place == day).count(), 1, "{found:#?}");
}

pub(crate) async fn a_rebuild_settles_a_close_that_counted_a_forged_entry(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..1).await;
    work(&store).await;
    let forge = "INSERT INTO ledger_entries (transaction_id, account, holder, currency, minor) \
        SELECT 999, account, holder, currency, minor FROM ledger_entries WHERE id = 1";
    assert!(database.tamper("ledger_entries", forge).await);
    assert!(store.close_day(Actor::named("test"), after_s(86_400)).await.unwrap().is_some());
    let findings = async || store.verify_ledger(None, |_, _| ()).await.unwrap().findings;
    let day = Place::Close("2026-01-02".to_owned());
    assert!(findings().await.iter().any(|finding| finding.place == day));
    let (settings, ratio) = (webhooks::ProviderSettings::default(), ledger::Rules::default().stash_ratio);
    let (actor, later) = (Actor::named("test"), after_s(86_500));
    store.rebuild_ledger(RebuildMode::Commit, &settings, ratio, actor, later).await.unwrap();
    assert_eq!(findings().await, []);
}
