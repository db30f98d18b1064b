//! Work is in one hand at a time, and finished once.

use std::collections::BTreeSet;
use std::time::Duration;

use store::{ATTEMPTS_MAX, Applied, Cause, WorkState};
use webhooks::{Meaning, Unhandled};

use crate::stage::{Stage, after_s, event, keep, lease_all, now};

const HOLD: Duration = Duration::from_secs(30);

fn rules() -> ledger::Rules {
    ledger::Rules::default()
}

pub(crate) async fn work_is_leased_once(stage: &Stage) {
    let store = stage.open().await;
    let kept = keep(&store, 0..5).await;
    let leased = store.lease("one", 3, HOLD, now()).await.unwrap();
    assert_eq!(leased.iter().map(|leased| leased.event()).collect::<Vec<_>>(), kept[..3]);
    assert_eq!(leased[0].body(), event("id-0", "fill", "AAA").body());
    assert_eq!((leased[0].attempt(), leased[0].cause()), (1, Cause::Received));
    let rest = lease_all(&store, "two", now()).await;
    assert_eq!(rest.iter().map(|leased| leased.event()).collect::<Vec<_>>(), kept[3..]);
    assert!(lease_all(&store, "three", now()).await.is_empty());
}

pub(crate) async fn an_object_is_never_in_two_hands(stage: &Stage) {
    let store = stage.open().await;
    for id in 0..6 {
        // Two objects by turns.
        let delivery = event(&format!("id-{id}"), "fill", if id % 2 == 0 { "AAPL" } else { "MSFT" });
        store.receive(&delivery, now()).await.unwrap();
    }
    let first = store.lease("one", 1, HOLD, now()).await.unwrap();
    let second = lease_all(&store, "two", now()).await;
    assert_eq!((first.len(), second.len()), (1, 3));
    assert!(second.iter().all(|leased| leased.object() != first[0].object()));
    // In the order in which they came.
    assert!(second.is_sorted_by_key(|leased| leased.event()));
    assert_eq!(store.apply(&first[0], &Meaning::Test, &rules(), now()).await.unwrap(), Applied::Done);
    assert_eq!(lease_all(&store, "three", now()).await.len(), 2);
}

pub(crate) async fn work_is_finished_once(stage: &Stage) {
    let store = stage.open().await;
    let kept = keep(&store, 0..2).await;
    let leased = lease_all(&store, "one", now()).await;
    let unhandled = Meaning::Unhandled(Unhandled::UnknownType);
    let done = store.apply(&leased[0], &Meaning::Test, &rules(), now()).await.unwrap();
    assert_eq!(done, Applied::Done);
    assert_eq!(store.apply(&leased[1], &unhandled, &rules(), now()).await.unwrap(), Applied::Unhandled);
    for leased in &leased {
        assert_eq!(store.apply(leased, &Meaning::Test, &rules(), now()).await.unwrap(), Applied::LeaseLost);
        assert_eq!(store.fail(leased, "late", now()).await.unwrap(), Applied::LeaseLost);
    }
    assert!(lease_all(&store, "two", after_s(3600)).await.is_empty());
    let line = store.event(kept[1]).await.unwrap().unwrap().line;
    assert_eq!(line.state, WorkState::Unhandled);
    assert_eq!(line.reason.as_deref(), Some("the type of event is not known"));
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn who_held_too_long_changes_nothing(stage: &Stage) {
    let store = stage.open().await;
    keep(&store, 0..1).await;
    let slow = lease_all(&store, "slow", now()).await;
    assert!(lease_all(&store, "quick", after_s(29)).await.is_empty());
    let quick = lease_all(&store, "quick", after_s(30)).await;
    assert_eq!((quick.len(), quick[0].attempt()), (1, 2));
    assert_eq!(
        store.apply(&slow[0], &Meaning::Test, &rules(), after_s(31)).await.unwrap(),
        Applied::LeaseLost
    );
    store.release(&slow).await.unwrap();
    let done = store.apply(&quick[0], &Meaning::Test, &rules(), after_s(31)).await.unwrap();
    assert!(matches!(done, Applied::Done));
    // The same owner that leases again is another holder than it was before.
    keep(&store, 1..2).await;
    let before = lease_all(&store, "same", now()).await;
    let after = lease_all(&store, "same", after_s(60)).await;
    assert_eq!(
        store.apply(&before[0], &Meaning::Test, &rules(), after_s(61)).await.unwrap(),
        Applied::LeaseLost
    );
    assert!(matches!(
        store.apply(&after[0], &Meaning::Test, &rules(), after_s(61)).await.unwrap(),
        Applied::Done
    ));
}

pub(crate) async fn what_fails_is_tried_later_and_then_given_up(stage: &Stage) {
    let store = stage.open().await;
    let kept = keep(&store, 0..1).await;
    let mut at_s = 0;
    for attempt in 1..ATTEMPTS_MAX {
        let leased = lease_all(&store, "one", after_s(at_s)).await;
        assert_eq!((leased.len(), leased[0].attempt()), (1, attempt));
        let failed = store.fail(&leased[0], "no such token", after_s(at_s)).await.unwrap();
        assert_eq!(failed, Applied::Failed { reason: "no such token".into() });
        assert!(lease_all(&store, "one", after_s(at_s)).await.is_empty());
        at_s += 600;
    }
    let leased = lease_all(&store, "one", after_s(at_s)).await;
    let dead = store.fail(&leased[0], "no such token", after_s(at_s)).await.unwrap();
    assert_eq!(dead, Applied::Dead { reason: "no such token".into() });
    assert!(lease_all(&store, "one", after_s(at_s + 86_400)).await.is_empty());
    let letters = store.dead_letters(None, 10).await.unwrap();
    assert_eq!((letters.len(), letters[0].event.id), (1, kept[0]));
    assert_eq!(
        (letters[0].event.attempts, letters[0].event.reason.as_deref()),
        (ATTEMPTS_MAX, Some("no such token"))
    );
}

pub(crate) async fn work_that_outlives_every_lease_is_given_up(stage: &Stage) {
    let store = stage.open().await;
    keep(&store, 0..1).await;
    // What kills its worker never gets as far as a failure.
    for attempt in 0..i64::from(ATTEMPTS_MAX) {
        assert_eq!(lease_all(&store, "one", after_s(attempt * 31)).await.len(), 1);
    }
    assert!(lease_all(&store, "one", after_s(i64::from(ATTEMPTS_MAX) * 31)).await.is_empty());
    let letters = store.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters[0].event.reason.as_deref(), Some("its holders let the lease run out"));
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn what_killed_its_workers_takes_no_other_work_with_it(stage: &Stage) {
    let store = stage.open().await;
    let kept = keep(&store, 0..4).await;
    // One of them kills its worker, before any is applied: nobody knows which.
    for round in 0..2 {
        assert_eq!(lease_all(&store, "killed", after_s(round * 31)).await.len(), 4);
    }
    keep(&store, 4..6).await;
    let at = after_s(100);
    let mut sizes = Vec::new();
    for event in &kept {
        let leased = store.lease("one", 9, HOLD, at).await.unwrap();
        sizes.push(leased.len());
        assert_eq!(leased[0].event(), *event);
    }
    // What no worker has died of is leased together.
    sizes.push(store.lease("one", 9, HOLD, at).await.unwrap().len());
    assert_eq!(sizes, [1, 1, 1, 1, 2]);
}

pub(crate) async fn what_is_given_back_has_lost_no_attempt(stage: &Stage) {
    let store = stage.open().await;
    keep(&store, 0..3).await;
    let leased = lease_all(&store, "one", now()).await;
    store.release(&leased).await.unwrap();
    let again = lease_all(&store, "two", now()).await;
    assert_eq!(again.len(), 3);
    assert!(again.iter().all(|leased| leased.attempt() == 1));
}

pub(crate) async fn what_a_newer_program_received_is_left_to_it(stage: &Stage) {
    let store = stage.open().await;
    // More than are leased at once, so that they would hide what comes after them.
    let kept = keep(&store, 0..300).await;
    let newer = "UPDATE webhook_events SET channel = 'alpaca/options' WHERE id < ";
    stage.sql(&format!("{newer}{}", kept[298])).await;
    let leased = lease_all(&store, "older", now()).await;
    assert_eq!(leased.iter().map(|leased| leased.event()).collect::<Vec<_>>(), kept[298..]);
    for leased in &leased {
        let done = store.apply(leased, &Meaning::Test, &rules(), now()).await.unwrap();
        assert_eq!(done, Applied::Done);
    }
    // It is neither taken nor changed, however often this one looks, and it counts as unfinished.
    assert!(lease_all(&store, "older", after_s(3_600)).await.is_empty());
    let untouched = "SELECT COUNT(*) FROM webhook_work WHERE state = 'pending' AND attempts = 0";
    assert_eq!(stage.number(untouched).await, 298);
    assert_eq!(store.backlog().await.unwrap()[0].unfinished, 298);
    // The newer program knows the channel.
    stage.sql("UPDATE webhook_events SET channel = 'alpaca/trade'").await;
    assert_eq!(lease_all(&store, "newer", now()).await.len(), 298);
}

pub(crate) async fn two_stores_share_the_work(stage: &Stage) {
    let (one, other) = (stage.open().await, stage.open().await);
    keep(&one, 0..200).await;
    let work = |store: store::Store, owner: &'static str| {
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let leased = store.lease(owner, 7, HOLD, now()).await.unwrap();
                if leased.is_empty() {
                    return mine;
                }
                let batch: Vec<_> = leased.into_iter().map(|leased| (leased, Meaning::Test)).collect();
                for applied in store.apply_all(&batch, &rules(), now()).await.unwrap() {
                    assert_eq!(applied, Applied::Done);
                }
                mine.extend(batch.iter().map(|(leased, _)| leased.event()));
            }
        })
    };
    let (mine, yours) = (work(one.clone(), "one"), work(other, "other"));
    let (mine, yours) = (mine.await.unwrap(), yours.await.unwrap());
    let all: BTreeSet<_> = mine.iter().chain(&yours).collect();
    assert_eq!((mine.len() + yours.len(), all.len()), (200, 200));
    assert_eq!(stage.number("SELECT COUNT(*) FROM webhook_work WHERE state = 'done'").await, 200);
    one.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn an_office_has_one_holder(stage: &Stage) {
    let (one, other) = (stage.open().await, stage.open().await);
    assert!(one.elect("figures", "one", HOLD, now()).await.unwrap());
    assert!(!other.elect("figures", "other", HOLD, after_s(29)).await.unwrap());
    assert!(one.elect("figures", "one", HOLD, after_s(29)).await.unwrap());
    assert!(!other.elect("figures", "other", HOLD, after_s(58)).await.unwrap());
    assert!(other.elect("figures", "other", HOLD, after_s(59)).await.unwrap());
    one.step_down("figures", "one", after_s(59)).await.unwrap();
    assert!(!one.elect("figures", "one", HOLD, after_s(60)).await.unwrap());
    other.step_down("figures", "other", after_s(60)).await.unwrap();
    assert!(one.elect("figures", "one", HOLD, after_s(60)).await.unwrap());
    assert!(other.elect("retention", "other", HOLD, after_s(60)).await.unwrap());
}

pub(crate) async fn who_takes_an_office_is_recorded_and_who_prolongs_it_is_not(stage: &Stage) {
    let store = stage.open().await;
    assert!(store.elect("figures", "one", HOLD, now()).await.unwrap());
    assert!(store.elect("figures", "one", HOLD, after_s(10)).await.unwrap());
    assert!(!store.elect("figures", "other", HOLD, after_s(20)).await.unwrap());
    // It ran out, and nobody else has had it.
    assert!(store.elect("figures", "one", HOLD, after_s(100)).await.unwrap());
    assert!(store.elect("figures", "other", HOLD, after_s(200)).await.unwrap());
    store.step_down("figures", "one", after_s(201)).await.unwrap();
    store.step_down("figures", "other", after_s(202)).await.unwrap();
    let entries = store.audit_page(0).await.unwrap();
    let told: Vec<_> = entries
        .iter()
        .map(|sealed| {
            let detail: serde_json::Value = serde_json::from_str(sealed.entry.detail()).unwrap();
            (sealed.entry.action(), sealed.entry.object(), detail["before"].clone(), detail["holder"].clone())
        })
        .collect();
    let (one, other, nobody) = ("one".into(), "other".into(), serde_json::Value::Null);
    let expected = [
        ("offices.take", "offices/figures", nobody.clone(), serde_json::Value::clone(&one)),
        ("offices.take", "offices/figures", one, serde_json::Value::clone(&other)),
        ("offices.give_back", "offices/figures", other, nobody),
    ];
    assert_eq!(told, expected);
    store.verify_audit(None, |_, _| ()).await.unwrap();
}
