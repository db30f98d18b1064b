//! Operators look at deliveries, and ask for them again.

use domain::Provider;
use store::{ATTEMPTS_MAX, Actor, Applied, Cause, Filter, Page, Receipt, Replayed, WorkState};
use webhooks::Meaning;

use crate::stage::{Stage, after_s, event, keep, lease_all, now};

const ANA: Actor<'_> = Actor { name: "operator:ana", request_id: Some("r-1") };

fn rules() -> ledger::Rules {
    ledger::Rules::default()
}

async fn apply_all_work(store: &store::Store) {
    for leased in lease_all(store, "one", after_s(60)).await {
        store.apply(&leased, &Meaning::Test, &rules(), now()).await.unwrap();
    }
}

pub(crate) async fn lists_are_filtered_and_paged(stage: &Stage) {
    let store = stage.open().await;
    let kept = keep(&store, 0..10).await;
    store.receive(&event("late", "new", "MSFT"), after_s(60)).await.unwrap();
    let all = Page { before: None, rows: 500 };
    let newest = store.events(&Filter::default(), Page { before: None, rows: 4 }).await.unwrap();
    assert_eq!(newest.events.len(), 4);
    assert_eq!(newest.events[1].id, kept[9]);
    let older =
        store.events(&Filter::default(), Page { before: newest.next_before, rows: 500 }).await.unwrap();
    assert_eq!((older.events.len(), older.next_before), (7, None));
    assert_eq!(older.events[0].id, kept[6]);
    let count = async |filter: Filter| store.events(&filter, all).await.unwrap().events.len();
    let late = newest.events[0].clone();
    assert_eq!(count(Filter { ids: kept[2..4].to_vec(), ..Filter::default() }).await, 2);
    assert_eq!(count(Filter { provider: Some(Provider::Alpaca), ..Filter::default() }).await, 11);
    assert_eq!(count(Filter { provider: Some(Provider::Bridge), ..Filter::default() }).await, 0);
    assert_eq!(
        count(Filter { channel: Some("alpaca/trade".parse().unwrap()), ..Filter::default() }).await,
        11
    );
    assert_eq!(count(Filter { event_type: Some(late.event_type), ..Filter::default() }).await, 1);
    assert_eq!(count(Filter { object: Some(late.object), ..Filter::default() }).await, 1);
    assert_eq!(count(Filter { received_from: Some(after_s(1)), ..Filter::default() }).await, 1);
    assert_eq!(count(Filter { received_before: Some(after_s(60)), ..Filter::default() }).await, 10);
    assert_eq!(count(Filter { state: Some(WorkState::Done), ..Filter::default() }).await, 0);
    apply_all_work(&store).await;
    assert_eq!(count(Filter { state: Some(WorkState::Done), ..Filter::default() }).await, 11);
}

pub(crate) async fn a_replay_adds_work_and_changes_nothing_else(stage: &Stage) {
    let store = stage.open().await;
    let kept = keep(&store, 0..3).await;
    // What waits anyway needs no replay.
    assert_eq!(store.count_replayable(&Filter::default()).await.unwrap(), 0);
    apply_all_work(&store).await;
    let before = store.event(kept[1]).await.unwrap().unwrap();
    let filter = Filter { ids: kept[1..].to_vec(), ..Filter::default() };
    assert_eq!(store.count_replayable(&filter).await.unwrap(), 2);
    let replayed = store.replay(&filter, None, ANA, after_s(9)).await.unwrap();
    assert_eq!(replayed, Replayed { events: 2, next_after: None });
    assert_eq!(store.replay(&filter, None, ANA, after_s(9)).await.unwrap().events, 0);
    let leased = lease_all(&store, "one", after_s(10)).await;
    assert_eq!(leased.iter().map(|leased| leased.event()).collect::<Vec<_>>(), kept[1..]);
    assert!(leased.iter().all(|leased| leased.cause() == Cause::Replay));
    let after = store.event(kept[1]).await.unwrap().unwrap();
    assert_eq!((after.work.len(), &after.work[1]), (2, &before.work[0]));
    assert_eq!((after.body, after.line.received_at), (before.body, before.line.received_at));
    let entries = store.audit_page(0).await.unwrap();
    let replay = entries.iter().find(|sealed| sealed.entry.action() == "webhooks.replay").unwrap();
    assert_eq!((replay.entry.actor(), replay.entry.request_id()), ("operator:ana", Some("r-1")));
}

pub(crate) async fn replays_at_once_ask_for_each_delivery_once(stage: &Stage) {
    let stores = [stage.open().await, stage.open().await];
    keep(&stores[0], 0..200).await;
    apply_all_work(&stores[0]).await;
    let filter = Filter::default();
    let replays = stores.iter().cycle().take(6).map(|store| {
        let (store, filter) = (store.clone(), filter.clone());
        tokio::spawn(async move { store.replay(&filter, None, ANA, after_s(70)).await.unwrap().events })
    });
    let mut asked = 0;
    for replay in replays.collect::<Vec<_>>() {
        asked += replay.await.unwrap();
    }
    assert_eq!(asked, 200);
}

pub(crate) async fn what_was_given_up_can_be_asked_for_again(stage: &Stage) {
    let store = stage.open().await;
    let kept = keep(&store, 0..2).await;
    for attempt in 0..i64::from(ATTEMPTS_MAX) {
        for leased in lease_all(&store, "one", after_s(attempt * 600)).await {
            store.fail(&leased, "broken", after_s(attempt * 600)).await.unwrap();
        }
    }
    let letters = store.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters.len(), 2);
    let one = [letters[1].work];
    assert_eq!(store.requeue(&one, ANA, after_s(9_000)).await.unwrap(), 1);
    assert_eq!(store.requeue(&one, ANA, after_s(9_000)).await.unwrap(), 0);
    let again = lease_all(&store, "one", after_s(9_001)).await;
    assert_eq!((again.len(), again[0].attempt(), again[0].cause()), (1, 1, Cause::Requeue));
    assert_eq!(again[0].event(), kept[0]);
    assert!(matches!(store.apply(&again[0], &Meaning::Test, &rules(), now()).await.unwrap(), Applied::Done));
    let history = store.event(kept[0]).await.unwrap().unwrap().work;
    assert_eq!((history[0].state, history[1].state), (WorkState::Done, WorkState::Requeued));
    assert_eq!(history[1].reason.as_deref(), Some("broken"));
    assert_eq!(store.requeue(&[], ANA, after_s(9_002)).await.unwrap(), 1);
    assert!(store.dead_letters(None, 10).await.unwrap().is_empty());
}

pub(crate) async fn what_was_given_up_and_is_replayed_is_given_up_no_more(stage: &Stage) {
    let store = stage.open().await;
    let kept = keep(&store, 0..2).await;
    for attempt in 0..i64::from(ATTEMPTS_MAX) {
        for leased in lease_all(&store, "one", after_s(attempt * 600)).await {
            store.fail(&leased, "broken", after_s(attempt * 600)).await.unwrap();
        }
    }
    let filter = Filter { ids: vec![kept[0]], ..Filter::default() };
    assert_eq!(store.replay(&filter, None, ANA, after_s(9_000)).await.unwrap().events, 1);
    let dead: Vec<_> =
        store.dead_letters(None, 10).await.unwrap().iter().map(|letter| letter.event.id).collect();
    assert_eq!(dead, [kept[1]]);
    let history = store.event(kept[0]).await.unwrap().unwrap().work;
    assert_eq!((history[0].state, history[1].state), (WorkState::Pending, WorkState::Requeued));
}

pub(crate) async fn redaction_keeps_the_hash_and_the_key(stage: &Stage) {
    let store = stage.open().await;
    let kept = keep(&store, 0..3).await;
    let before = store.event(kept[0]).await.unwrap().unwrap();
    // What is not done yet keeps its body.
    assert_eq!(store.count_redactable(Provider::Alpaca, after_s(1)).await.unwrap(), 0);
    apply_all_work(&store).await;
    keep(&store, 3..4).await;
    assert_eq!(store.count_redactable(Provider::Alpaca, now()).await.unwrap(), 0);
    assert_eq!(store.count_redactable(Provider::Bridge, after_s(1)).await.unwrap(), 0);
    assert_eq!(store.count_redactable(Provider::Alpaca, after_s(1)).await.unwrap(), 3);
    assert_eq!(store.redact(Provider::Alpaca, after_s(1), ANA, after_s(2)).await.unwrap(), 3);
    assert_eq!(store.redact(Provider::Alpaca, after_s(1), ANA, after_s(2)).await.unwrap(), 0);
    let after = store.event(kept[0]).await.unwrap().unwrap();
    assert_eq!((after.body.len(), after.headers.len()), (0, 0));
    assert_eq!(after.line.redacted_at, Some(after_s(2)));
    assert_eq!((after.body_sha256, after.dedupe_key), (before.body_sha256, before.dedupe_key));
    let copy = store.receive(&event("id-0", "fill", "AAA"), after_s(3)).await.unwrap();
    assert_eq!(copy, Receipt::Duplicate(kept[0]));
    // What cannot be read cannot be applied again.
    assert_eq!(store.count_replayable(&Filter::default()).await.unwrap(), 0);
    assert_eq!(store.replay(&Filter::default(), None, ANA, after_s(4)).await.unwrap().events, 0);
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn the_backlog_is_counted(stage: &Stage) {
    let store = stage.open().await;
    let alpaca = async || {
        let backlogs = store.backlog().await.unwrap();
        assert!(backlogs[1..].iter().all(|backlog| backlog.unfinished == 0 && backlog.oldest_at.is_none()));
        (backlogs[0].unfinished, backlogs[0].oldest_at, backlogs[0].dead)
    };
    assert_eq!(alpaca().await, (0, None, 0));
    keep(&store, 0..3).await;
    assert_eq!(alpaca().await, (3, Some(now()), 0));
    let leased = lease_all(&store, "one", now()).await;
    assert_eq!(alpaca().await, (3, Some(now()), 0));
    store.apply(&leased[0], &Meaning::Test, &rules(), now()).await.unwrap();
    assert_eq!(alpaca().await, (2, Some(now()), 0));
    for attempt in 1..i64::from(ATTEMPTS_MAX) {
        lease_all(&store, "one", after_s(attempt * 31)).await;
    }
    lease_all(&store, "one", after_s(86_400)).await;
    assert_eq!(alpaca().await, (0, None, 2));
}
