//! A stored event is proved before its body is used.

use audit::ProofError;
use store::{Actor, ApplyOutcome, EventFilter, EvidenceError, Finding, Place, RebuildMode, Receipt, Store};
use webhooks::{ProviderSettings, interpret};

use crate::fixture::{TestDatabase, key, lease_all, now, receive, trade};

/// Applies all due jobs as the worker does.
pub(crate) async fn work(store: &Store) -> Vec<ApplyOutcome> {
    let interpreted = |job: store::Job| {
        let interpretation = interpret(job.channel(), job.body(), &ProviderSettings::default());
        (job, interpretation)
    };
    let jobs: Vec<_> = lease_all(store, "worker", now()).await.into_iter().map(interpreted).collect();
    store.apply_all(&jobs, &ledger::Rules::default(), now()).await.unwrap()
}

async fn replay(store: &Store) -> Vec<ApplyOutcome> {
    store.replay(&EventFilter::default(), None, Actor::named("test"), now()).await.unwrap();
    work(store).await
}

/// Shares bought for 900,000 instead of 100, under the hash of `body` if that is changed too.
fn other_body(database: &TestDatabase, hash: &str) -> String {
    let replaced = if database.is_sqlite() {
        r#"CAST(replace(CAST(body AS TEXT), '"100"', '"900000"') AS BLOB)"#
    } else {
        r#"convert_to(replace(convert_from(body, 'UTF8'), '"100"', '"900000"'), 'UTF8')"#
    };
    format!("UPDATE webhook_events SET body = {replaced}{hash} WHERE id = 1")
}

pub(crate) async fn a_changed_event_is_never_posted(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..3).await;
    // 100 becomes 900,000 before the first attempt.
    database.sql(&other_body(database, "")).await;
    let outcomes = work(&store).await;
    let reason = EvidenceError::Body.to_string();
    assert_eq!(outcomes, [ApplyOutcome::Dead { reason }, ApplyOutcome::Done, ApplyOutcome::Done]);
    let holdings = "SELECT COUNT(*) FROM positions";
    assert_eq!(database.number(holdings).await, 2);
    assert_eq!(database.number("SELECT COUNT(*) FROM webhook_jobs WHERE state = 'dead'").await, 1);
    let rejected = "SELECT COUNT(*) FROM audit_entries WHERE action = 'webhooks.reject'";
    assert_eq!(database.number(rejected).await, 1);
    // And with its hash, by a replay: the first alone is changed.
    let entries = "SELECT COUNT(*) FROM ledger_entries";
    let before = database.number(entries).await;
    let hash =
        if database.is_sqlite() { ", body_sha256 = zeroblob(32)" } else { ", body_sha256 = sha256(body)" };
    for (change, error) in [
        (other_body(database, hash), ProofError::Changed),
        (
            "UPDATE webhook_events SET received_at = received_at + 1 WHERE id = 1".to_owned(),
            ProofError::Changed,
        ),
        ("UPDATE webhook_events SET proof = NULL WHERE id = 1".to_owned(), ProofError::Missing),
        (
            "UPDATE webhook_events SET proof = (SELECT proof FROM webhook_events WHERE id = 2) WHERE id = 1"
                .to_owned(),
            ProofError::Changed,
        ),
    ] {
        database.sql(&change).await;
        let reason = EvidenceError::Event(error).to_string();
        let outcomes = replay(&store).await;
        assert_eq!(
            outcomes,
            [ApplyOutcome::Dead { reason }, ApplyOutcome::Done, ApplyOutcome::Done],
            "{change}"
        );
    }
    assert_eq!(database.number(entries).await, before);
    // A dead letter of it is requeued in vain.
    assert_eq!(store.requeue(&[], Actor::named("test"), now()).await.unwrap(), 1);
    assert!(matches!(&work(&store).await[..], [ApplyOutcome::Dead { .. }]));
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn a_forged_fact_does_not_stand_for_a_reported_one(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..1).await;
    work(&store).await;
    // As a row that was there before the event was applied.
    assert!(database.tamper("facts", "UPDATE facts SET proof = NULL").await);
    let outcomes = replay(&store).await;
    let [ApplyOutcome::Failed { reason }] = &outcomes[..] else { panic!("{outcomes:?}") };
    assert!(reason.contains("is not authentic") && reason.contains("ledger rebuild"), "{reason}");
}

pub(crate) async fn an_event_without_a_proof_is_believed_only_in_the_start_after_the_migration(
    database: &TestDatabase,
) {
    let store = database.open().await;
    receive(&store, 0..2).await;
    work(&store).await;
    let entries = store.audit_page(0).await.unwrap();
    store.close().await;
    // As the version before the migration wrote it: no proofs, and no digests in the audit chain.
    let (allow, forbid) = if database.is_sqlite() {
        ("DROP TRIGGER facts_no_update; DROP TRIGGER ledger_transactions_no_update", "SELECT 1")
    } else {
        (
            "ALTER TABLE facts DISABLE TRIGGER ALL; ALTER TABLE ledger_transactions DISABLE TRIGGER ALL",
            "ALTER TABLE facts ENABLE TRIGGER ALL; ALTER TABLE ledger_transactions ENABLE TRIGGER ALL",
        )
    };
    let unprove = "UPDATE webhook_events SET proof = NULL; UPDATE facts SET proof = NULL; \
        UPDATE ledger_transactions SET proof = NULL";
    database
        .sql(&format!(
            "{allow}; {unprove}; UPDATE facts SET batch = 0; UPDATE ledger_transactions SET batch = 0"
        ))
        .await;
    database.sql(&format!("{forbid}; DELETE FROM audit_entries")).await;
    let mut head = audit::Head::start(&key());
    for sealed in entries {
        let mut detail: serde_json::Value = serde_json::from_str(sealed.entry.detail()).unwrap();
        detail.as_object_mut().unwrap().retain(|name, _| name != "proved" && name != "ledger");
        let (action, object, detail) = (sealed.entry.action(), sealed.entry.object(), detail.to_string());
        let entry = audit::Entry::new(now(), "old", action, object, None, &detail).unwrap();
        let (sealed, after) = audit::append(&key(), &head, entry);
        head = after;
        let bytes = |hash: &audit::Hash| {
            if database.is_sqlite() { format!("x'{hash}'") } else { format!("'\\x{hash}'") }
        };
        let values = format!(
            "{}, {}, 'old', '{action}', '{object}', '{detail}', {}, '{}', {}",
            sealed.sequence,
            sealed.entry.at_us(),
            bytes(&sealed.previous),
            sealed.key,
            bytes(&sealed.hash)
        );
        let columns = "sequence, at_us, actor, action, object, detail, previous, key_id, hash";
        let stored = head.to_stored();
        let seal = format!(
            "sequence = {}, hash = {}, seal = {}",
            stored.sequence,
            bytes(&stored.hash),
            bytes(&stored.seal)
        );
        database
            .sql(&format!(
                "INSERT INTO audit_entries ({columns}) VALUES ({values}); UPDATE audit_head SET {seal}"
            ))
            .await;
    }
    // Not while an entry of the chain is another one: afterwards, nobody could tell which rows to believe.
    database.sql("UPDATE audit_entries SET actor = 'other' WHERE sequence = 1").await;
    let error = database.try_open().await.unwrap_err();
    assert!(matches!(error, store::OpenError::Unproved(_)), "{error:?}");
    database.sql("UPDATE audit_entries SET actor = 'old' WHERE sequence = 1").await;
    // The first start gives proofs.
    let store = database.open().await;
    assert_eq!(replay(&store).await, [ApplyOutcome::Done, ApplyOutcome::Done]);
    assert_eq!(store.verify_ledger(None, |_, _| ()).await.unwrap().findings, []);
    store.close().await;
    // No later one does.
    database.sql(&format!("{allow}; {unprove}").replace("DROP TRIGGER", "DROP TRIGGER IF EXISTS")).await;
    let store = database.open().await;
    let reason = EvidenceError::Event(ProofError::Missing).to_string();
    let dead = ApplyOutcome::Dead { reason };
    assert_eq!(replay(&store).await, [dead.clone(), dead]);
    let found = store.verify_ledger(None, |_, _| ()).await.unwrap().findings;
    let named = |place: fn(&Finding) -> bool| found.iter().filter(|finding| place(finding)).count();
    assert_eq!(named(|finding| matches!(finding.place, Place::WebhookEvents(_))), 2, "{found:#?}");
    assert!(named(|finding| matches!(finding.place, Place::Facts(_))) >= 2, "{found:#?}");
    assert!(named(|finding| matches!(finding.place, Place::LedgerTransactions(_))) >= 2, "{found:#?}");
}

/// The verification names it, the rebuild mends it, and nothing is posted by that.
async fn is_named_and_mended(database: &TestDatabase, store: &Store, place: &Place) {
    let entries = "SELECT COUNT(*) FROM ledger_entries";
    let before = database.number(entries).await;
    let found = store.verify_ledger(None, |_, _| ()).await.unwrap().findings;
    assert!(found.iter().any(|finding| finding.place == *place), "{place}: {found:#?}");
    let ratio = ledger::Rules::default().stash_ratio;
    let settings = ProviderSettings::default();
    let actor = Actor::named("test");
    store.rebuild_ledger(RebuildMode::Commit, &settings, ratio, actor, now()).await.unwrap();
    work(store).await;
    assert_eq!(store.verify_ledger(None, |_, _| ()).await.unwrap().findings, []);
    assert_eq!(database.number(entries).await, before);
}

pub(crate) async fn a_conflict_is_applied_only_by_a_replay(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..1).await;
    work(&store).await;
    let other = trade("id-0", "fill", "MSFT");
    let Receipt::Conflict(event) = store.receive(&other, now()).await.unwrap() else { panic!() };
    let job = database.number(&format!("SELECT id FROM webhook_jobs WHERE event_id = {event}")).await;
    let unwaited = format!("UPDATE webhook_jobs SET state = 'pending', finished_at = NULL WHERE id = {job}");
    for (change, place) in [
        (unwaited.clone(), Place::WebhookJobs(job)),
        (format!("UPDATE webhook_jobs SET state = 'done' WHERE id = {job}"), Place::WebhookJobs(job)),
        (format!("DELETE FROM webhook_jobs WHERE id = {job}"), Place::JobsOf(event.get())),
    ] {
        assert!(database.tamper("webhook_jobs", &change).await, "{change}");
        is_named_and_mended(database, &store, &place).await;
        assert_eq!(work(&store).await, [], "{change}");
    }
    // Before anybody looked, a worker applies it.
    let job = database.number(&format!("SELECT id FROM webhook_jobs WHERE event_id = {event}")).await;
    let unwaited = format!("UPDATE webhook_jobs SET state = 'pending', finished_at = NULL WHERE id = {job}");
    assert!(database.tamper("webhook_jobs", &unwaited).await);
    assert_eq!(work(&store).await, [ApplyOutcome::Done]);
    let found = store.verify_ledger(None, |_, _| ()).await.unwrap().findings;
    let [Finding { place, detail, .. }] = &found[..] else { panic!("{found:#?}") };
    assert!(*place == Place::WebhookJobs(job) && detail.contains("nobody replayed it"), "{found:#?}");
}

pub(crate) async fn a_replayed_conflict_is_whole(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..1).await;
    work(&store).await;
    let Receipt::Conflict(event) = store.receive(&trade("id-0", "fill", "MSFT"), now()).await.unwrap() else {
        panic!()
    };
    let filter = EventFilter { ids: vec![event], ..EventFilter::default() };
    store.replay(&filter, None, Actor::named("test"), now()).await.unwrap();
    assert_eq!(work(&store).await, [ApplyOutcome::Done]);
    assert_eq!(store.verify_ledger(None, |_, _| ()).await.unwrap().findings, []);
}

pub(crate) async fn a_dead_letter_and_a_replay_do_not_vanish(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..1).await;
    assert!(database.tamper("webhook_events", "UPDATE webhook_events SET proof = NULL").await);
    assert!(matches!(&work(&store).await[..], [ApplyOutcome::Dead { .. }]));
    database.restore("webhook_events").await;
    assert!(database.tamper("webhook_jobs", "UPDATE webhook_jobs SET state = 'requeued'").await);
    is_named_and_mended(database, &store, &Place::WebhookJobs(1)).await;
    assert_eq!(store.requeue(&[], Actor::named("test"), now()).await.unwrap(), 1);
    assert!(database.tamper("webhook_jobs", "DELETE FROM webhook_jobs WHERE state = 'pending'").await);
    let found = store.verify_ledger(None, |_, _| ()).await.unwrap().findings;
    assert!(matches!(&found[..], [Finding { place: Place::JobsOf(1), .. }]), "{found:#?}");
    let (settings, ratio) = (ProviderSettings::default(), ledger::Rules::default().stash_ratio);
    store.rebuild_ledger(RebuildMode::Commit, &settings, ratio, Actor::named("test"), now()).await.unwrap();
    assert_eq!(work(&store).await, [ApplyOutcome::Done]);
    assert_eq!(store.verify_ledger(None, |_, _| ()).await.unwrap().findings, []);
}
