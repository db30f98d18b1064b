//! A job is leased to one worker at a time, and finished once.

use std::collections::BTreeSet;
use std::time::Duration;

use store::{ATTEMPTS_MAX, ApplyOutcome, JobCause, JobState};
use webhooks::{Interpretation, Unhandled};

use crate::fixture::{TestDatabase, after_s, apply, lease_all, now, receive, trade};

const HOLD: Duration = Duration::from_secs(30);

pub(crate) async fn a_job_is_leased_once(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..5).await;
    let jobs = store.lease("one", 3, HOLD, now()).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.event_id()).collect::<Vec<_>>(), ids[..3]);
    assert_eq!(jobs[0].body(), trade("id-0", "fill", "AAA").body());
    assert_eq!((jobs[0].attempt(), jobs[0].cause()), (1, JobCause::Received));
    let rest = lease_all(&store, "two", now()).await;
    assert_eq!(rest.iter().map(|job| job.event_id()).collect::<Vec<_>>(), ids[3..]);
    assert!(lease_all(&store, "three", now()).await.is_empty());
}

pub(crate) async fn a_resource_is_never_leased_to_two_workers(database: &TestDatabase) {
    let store = database.open().await;
    for id in 0..6 {
        // Two resources by turns.
        let delivery = trade(&format!("id-{id}"), "fill", if id % 2 == 0 { "AAPL" } else { "MSFT" });
        store.receive(&delivery, now()).await.unwrap();
    }
    let first = store.lease("one", 1, HOLD, now()).await.unwrap();
    let second = lease_all(&store, "two", now()).await;
    assert_eq!((first.len(), second.len()), (1, 3));
    assert!(second.iter().all(|job| job.resource() != first[0].resource()));
    // In the order in which they came.
    assert!(second.is_sorted_by_key(|job| job.event_id()));
    assert_eq!(apply(&store, &first[0], &Interpretation::Test, now()).await, ApplyOutcome::Done);
    assert_eq!(lease_all(&store, "three", now()).await.len(), 2);
}

pub(crate) async fn a_job_is_finished_once(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..2).await;
    let jobs = lease_all(&store, "one", now()).await;
    let unhandled = Interpretation::Unhandled(Unhandled::UnknownType);
    let outcome = apply(&store, &jobs[0], &Interpretation::Test, now()).await;
    assert_eq!(outcome, ApplyOutcome::Done);
    assert_eq!(apply(&store, &jobs[1], &unhandled, now()).await, ApplyOutcome::Unhandled);
    for job in &jobs {
        assert_eq!(apply(&store, job, &Interpretation::Test, now()).await, ApplyOutcome::LeaseLost);
        assert_eq!(store.fail(job, "late", now()).await.unwrap(), ApplyOutcome::LeaseLost);
    }
    assert!(lease_all(&store, "two", after_s(3600)).await.is_empty());
    let summary = store.event(ids[1]).await.unwrap().unwrap().summary;
    assert_eq!(summary.state, JobState::Unhandled);
    assert_eq!(summary.reason.as_deref(), Some("unknown event type"));
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn an_expired_lease_changes_nothing(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..1).await;
    let slow = lease_all(&store, "slow", now()).await;
    assert!(lease_all(&store, "quick", after_s(29)).await.is_empty());
    let quick = lease_all(&store, "quick", after_s(30)).await;
    assert_eq!((quick.len(), quick[0].attempt()), (1, 2));
    assert_eq!(apply(&store, &slow[0], &Interpretation::Test, after_s(31)).await, ApplyOutcome::LeaseLost);
    let outcome = apply(&store, &quick[0], &Interpretation::Test, after_s(31)).await;
    assert!(matches!(outcome, ApplyOutcome::Done));
    // An owner that leases again does not hold its former lease.
    receive(&store, 1..2).await;
    let before = lease_all(&store, "same", now()).await;
    let after = lease_all(&store, "same", after_s(60)).await;
    assert_eq!(apply(&store, &before[0], &Interpretation::Test, after_s(61)).await, ApplyOutcome::LeaseLost);
    assert!(matches!(apply(&store, &after[0], &Interpretation::Test, after_s(61)).await, ApplyOutcome::Done));
}

pub(crate) async fn a_failed_job_is_retried_and_then_given_up(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..1).await;
    let mut at_s = 0;
    for attempt in 1..ATTEMPTS_MAX {
        let jobs = lease_all(&store, "one", after_s(at_s)).await;
        assert_eq!((jobs.len(), jobs[0].attempt()), (1, attempt));
        let failed = store.fail(&jobs[0], "no such token", after_s(at_s)).await.unwrap();
        assert_eq!(failed, ApplyOutcome::Failed { reason: "no such token".into() });
        assert!(lease_all(&store, "one", after_s(at_s)).await.is_empty());
        at_s += 600;
    }
    let jobs = lease_all(&store, "one", after_s(at_s)).await;
    let dead = store.fail(&jobs[0], "no such token", after_s(at_s)).await.unwrap();
    assert_eq!(dead, ApplyOutcome::Dead { reason: "no such token".into() });
    assert!(lease_all(&store, "one", after_s(at_s + 86_400)).await.is_empty());
    let letters = store.dead_letters(None, 10).await.unwrap();
    assert_eq!((letters.len(), letters[0].event.id), (1, ids[0]));
    assert_eq!(
        (letters[0].event.attempts, letters[0].event.reason.as_deref()),
        (ATTEMPTS_MAX, Some("no such token"))
    );
}

pub(crate) async fn a_job_that_outlives_every_lease_is_given_up(database: &TestDatabase) {
    let store = database.open().await;
    receive(&store, 0..1).await;
    // A job that kills its worker never gets as far as a failure.
    for attempt in 0..i64::from(ATTEMPTS_MAX) {
        assert_eq!(lease_all(&store, "one", after_s(attempt * 31)).await.len(), 1);
    }
    assert!(lease_all(&store, "one", after_s(i64::from(ATTEMPTS_MAX) * 31)).await.is_empty());
    let letters = store.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters[0].event.reason.as_deref(), Some("lease expired in the last attempt"));
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn a_job_that_kills_its_workers_affects_no_other(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..4).await;
    // One of them kills its worker, before any is applied: nobody knows which.
    for round in 0..2 {
        assert_eq!(lease_all(&store, "killed", after_s(round * 31)).await.len(), 4);
    }
    receive(&store, 4..6).await;
    let at = after_s(100);
    let mut sizes = Vec::new();
    for event in &ids {
        let jobs = store.lease("one", 9, HOLD, at).await.unwrap();
        sizes.push(jobs.len());
        assert_eq!(jobs[0].event_id(), *event);
    }
    // Jobs of which no worker has died are leased together.
    sizes.push(store.lease("one", 9, HOLD, at).await.unwrap().len());
    assert_eq!(sizes, [1, 1, 1, 1, 2]);
}

pub(crate) async fn jobs_of_unknown_channels_are_left_to_a_newer_program(database: &TestDatabase) {
    let store = database.open().await;
    // More than are leased at once, so that they would hide what comes after them.
    let ids = receive(&store, 0..300).await;
    let newer = "UPDATE webhook_events SET channel = 'alpaca/options' WHERE id < ";
    database.sql(&format!("{newer}{}", ids[298])).await;
    let jobs = lease_all(&store, "older", now()).await;
    assert_eq!(jobs.iter().map(|job| job.event_id()).collect::<Vec<_>>(), ids[298..]);
    for job in &jobs {
        let outcome = apply(&store, job, &Interpretation::Test, now()).await;
        assert_eq!(outcome, ApplyOutcome::Done);
    }
    // They are neither leased nor changed, however often this program looks, and count as unfinished.
    assert!(lease_all(&store, "older", after_s(3_600)).await.is_empty());
    let untouched = "SELECT COUNT(*) FROM webhook_jobs WHERE state = 'pending' AND attempts = 0";
    assert_eq!(database.number(untouched).await, 298);
    assert_eq!(store.backlog().await.unwrap()[0].unfinished, 298);
    // The newer program knows the channel.
    database.sql("UPDATE webhook_events SET channel = 'alpaca/trade'").await;
    assert_eq!(lease_all(&store, "newer", now()).await.len(), 298);
}

pub(crate) async fn two_stores_share_the_jobs(database: &TestDatabase) {
    let (one, other) = (database.open().await, database.open().await);
    receive(&one, 0..200).await;
    let worker = |store: store::Store, owner: &'static str| {
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let jobs = store.lease(owner, 7, HOLD, now()).await.unwrap();
                if jobs.is_empty() {
                    return mine;
                }
                let batch: Vec<_> = jobs.into_iter().map(|job| (job, Interpretation::Test)).collect();
                for outcome in store.apply_all(&batch, &ledger::Rules::default(), now()).await.unwrap() {
                    assert_eq!(outcome, ApplyOutcome::Done);
                }
                mine.extend(batch.iter().map(|(job, _)| job.event_id()));
            }
        })
    };
    let (mine, yours) = (worker(one.clone(), "one"), worker(other, "other"));
    let (mine, yours) = (mine.await.unwrap(), yours.await.unwrap());
    let all: BTreeSet<_> = mine.iter().chain(&yours).collect();
    assert_eq!((mine.len() + yours.len(), all.len()), (200, 200));
    assert_eq!(database.number("SELECT COUNT(*) FROM webhook_jobs WHERE state = 'done'").await, 200);
    one.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn a_leader_lease_has_one_owner(database: &TestDatabase) {
    let (one, other) = (database.open().await, database.open().await);
    assert!(one.acquire_leader_lease("figures", "one", HOLD, now()).await.unwrap());
    assert!(!other.acquire_leader_lease("figures", "other", HOLD, after_s(29)).await.unwrap());
    assert!(one.acquire_leader_lease("figures", "one", HOLD, after_s(29)).await.unwrap());
    assert!(!other.acquire_leader_lease("figures", "other", HOLD, after_s(58)).await.unwrap());
    assert!(other.acquire_leader_lease("figures", "other", HOLD, after_s(59)).await.unwrap());
    one.release_leader_lease("figures", "one", after_s(59)).await.unwrap();
    assert!(!one.acquire_leader_lease("figures", "one", HOLD, after_s(60)).await.unwrap());
    other.release_leader_lease("figures", "other", after_s(60)).await.unwrap();
    assert!(one.acquire_leader_lease("figures", "one", HOLD, after_s(60)).await.unwrap());
    assert!(other.acquire_leader_lease("retention", "other", HOLD, after_s(60)).await.unwrap());
}

pub(crate) async fn only_acquiring_a_leader_lease_is_audited(database: &TestDatabase) {
    let store = database.open().await;
    assert!(store.acquire_leader_lease("figures", "one", HOLD, now()).await.unwrap());
    assert!(store.acquire_leader_lease("figures", "one", HOLD, after_s(10)).await.unwrap());
    assert!(!store.acquire_leader_lease("figures", "other", HOLD, after_s(20)).await.unwrap());
    // It expired, and nobody else has acquired it.
    assert!(store.acquire_leader_lease("figures", "one", HOLD, after_s(100)).await.unwrap());
    assert!(store.acquire_leader_lease("figures", "other", HOLD, after_s(200)).await.unwrap());
    store.release_leader_lease("figures", "one", after_s(201)).await.unwrap();
    store.release_leader_lease("figures", "other", after_s(202)).await.unwrap();
    let entries = store.audit_page(0).await.unwrap();
    let leases: Vec<_> = entries
        .iter()
        .map(|sealed| {
            let detail: serde_json::Value = serde_json::from_str(sealed.entry.detail()).unwrap();
            (sealed.entry.action(), sealed.entry.object(), detail["before"].clone(), detail["owner"].clone())
        })
        .collect();
    let (one, other, nobody) = ("one".into(), "other".into(), serde_json::Value::Null);
    let expected = [
        ("leader.acquire", "leader_leases/figures", nobody.clone(), serde_json::Value::clone(&one)),
        ("leader.acquire", "leader_leases/figures", one, serde_json::Value::clone(&other)),
        ("leader.release", "leader_leases/figures", other, nobody),
    ];
    assert_eq!(leases, expected);
    store.verify_audit(None, |_, _| ()).await.unwrap();
}
