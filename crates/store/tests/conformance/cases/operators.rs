//! Operators list events, replay and requeue them, and empty their bodies.

use domain::Provider;
use store::{
    ATTEMPTS_MAX, Actor, ApplyOutcome, EventFilter, JobCause, JobState, PageRequest, Receipt, ReplayBatch,
};
use webhooks::Interpretation;

use crate::fixture::{TestDatabase, after_s, apply, fill, lease_all, now, receive, trade};

const ANA: Actor<'_> = Actor { name: "operator:ana", request_id: Some("r-1") };

async fn apply_all_jobs(store: &store::Store) {
    for job in lease_all(store, "one", after_s(60)).await {
        apply(store, &job, &Interpretation::Test, now()).await;
    }
}

pub(crate) async fn lists_are_filtered_and_paged(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..10).await;
    store.receive(&trade("late", "new", "MSFT"), after_s(60)).await.unwrap();
    let all = PageRequest { before: None, rows: 500 };
    let newest = store.events(&EventFilter::default(), PageRequest { before: None, rows: 4 }).await.unwrap();
    assert_eq!(newest.events.len(), 4);
    assert_eq!(newest.events[1].id, ids[9]);
    let older = store
        .events(&EventFilter::default(), PageRequest { before: newest.next_before, rows: 500 })
        .await
        .unwrap();
    assert_eq!((older.events.len(), older.next_before), (7, None));
    assert_eq!(older.events[0].id, ids[6]);
    let count = async |filter: EventFilter| store.events(&filter, all).await.unwrap().events.len();
    let late = newest.events[0].clone();
    assert_eq!(count(EventFilter { ids: ids[2..4].to_vec(), ..EventFilter::default() }).await, 2);
    assert_eq!(count(EventFilter { provider: Some(Provider::Alpaca), ..EventFilter::default() }).await, 11);
    assert_eq!(count(EventFilter { provider: Some(Provider::Bridge), ..EventFilter::default() }).await, 0);
    assert_eq!(
        count(EventFilter { channel: Some("alpaca/trade".parse().unwrap()), ..EventFilter::default() }).await,
        11
    );
    assert_eq!(count(EventFilter { event_type: Some(late.event_type), ..EventFilter::default() }).await, 1);
    assert_eq!(count(EventFilter { resource: Some(late.resource), ..EventFilter::default() }).await, 1);
    assert_eq!(count(EventFilter { received_from: Some(after_s(1)), ..EventFilter::default() }).await, 1);
    assert_eq!(count(EventFilter { received_before: Some(after_s(60)), ..EventFilter::default() }).await, 10);
    assert_eq!(count(EventFilter { state: Some(JobState::Done), ..EventFilter::default() }).await, 0);
    apply_all_jobs(&store).await;
    assert_eq!(count(EventFilter { state: Some(JobState::Done), ..EventFilter::default() }).await, 11);
}

pub(crate) async fn a_replay_adds_jobs_and_changes_nothing_else(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..3).await;
    // A pending job needs no replay.
    assert_eq!(store.count_replayable(&EventFilter::default()).await.unwrap(), 0);
    apply_all_jobs(&store).await;
    let before = store.event(ids[1]).await.unwrap().unwrap();
    let filter = EventFilter { ids: ids[1..].to_vec(), ..EventFilter::default() };
    assert_eq!(store.count_replayable(&filter).await.unwrap(), 2);
    let replayed = store.replay(&filter, None, ANA, after_s(9)).await.unwrap();
    assert_eq!(replayed, ReplayBatch { events: 2, next_after: None });
    assert_eq!(store.replay(&filter, None, ANA, after_s(9)).await.unwrap().events, 0);
    let jobs = lease_all(&store, "one", after_s(10)).await;
    assert_eq!(jobs.iter().map(|job| job.event_id()).collect::<Vec<_>>(), ids[1..]);
    assert!(jobs.iter().all(|job| job.cause() == JobCause::Replay));
    let after = store.event(ids[1]).await.unwrap().unwrap();
    assert_eq!((after.jobs.len(), &after.jobs[1]), (2, &before.jobs[0]));
    assert_eq!((after.body, after.summary.received_at), (before.body, before.summary.received_at));
    let entries = store.audit_page(0).await.unwrap();
    let replay = entries.iter().find(|sealed| sealed.entry.action() == "webhooks.replay").unwrap();
    assert_eq!((replay.entry.actor(), replay.entry.request_id()), ("operator:ana", Some("r-1")));
}

/// The same id twice with other content: only a person who names the second event has decided that it is right.
pub(crate) async fn a_replay_by_filter_leaves_out_conflicts(database: &TestDatabase) {
    let store = database.open().await;
    store.receive(&fill("01H"), now()).await.unwrap();
    let body = String::from_utf8(fill("01H").body().to_vec()).unwrap();
    let dearer = body.replace(r#""filled_avg_price":"100""#, r#""filled_avg_price":"900""#);
    let dearer = webhooks::alpaca::from_stream(webhooks::alpaca::Kind::Trade, "01H", dearer.into()).unwrap();
    let Receipt::Conflict(conflict) = store.receive(&dearer, now()).await.unwrap() else { panic!("stored") };
    apply_all_jobs(&store).await;
    let unhandled = EventFilter { state: Some(JobState::Unhandled), ..EventFilter::default() };
    for (filter, events) in [(EventFilter::default(), 1), (unhandled, 0)] {
        assert_eq!(store.count_replayable(&filter).await.unwrap(), events, "{filter:?}");
        assert_eq!(
            store.replay(&filter, None, ANA, after_s(9)).await.unwrap().events,
            u32::try_from(events).unwrap()
        );
    }
    let named = EventFilter { ids: vec![conflict], ..EventFilter::default() };
    assert_eq!(store.count_replayable(&named).await.unwrap(), 1);
    assert_eq!(store.replay(&named, None, ANA, after_s(9)).await.unwrap().events, 1);
}

/// What an event says must be posted by a person: it is a review until it is applied after all, or a person resolves it.
pub(crate) async fn events_that_wait_for_a_person_are_reviews(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..4).await;
    let jobs = lease_all(&store, "one", now()).await;
    let outcomes = [
        Interpretation::Unhandled(webhooks::Unhandled::ByHand("an entry")),
        Interpretation::Unhandled(webhooks::Unhandled::NoEffect("a status")),
        Interpretation::Unhandled(webhooks::Unhandled::Currency),
    ];
    for (job, interpretation) in jobs.iter().zip(&outcomes) {
        apply(&store, job, interpretation, now()).await;
    }
    // The fourth fails for the last time.
    store.fail(&jobs[3], "broken", now()).await.unwrap();
    for attempt in 1..i64::from(ATTEMPTS_MAX) {
        for job in lease_all(&store, "one", after_s(attempt * 600)).await {
            store.fail(&job, "broken", after_s(attempt * 600)).await.unwrap();
        }
    }
    let open = async || {
        let filter = store::ReviewFilter { is_open: Some(true), ..store::ReviewFilter::default() };
        let reviews = store.reviews(&filter, None, 50).await.unwrap();
        reviews.iter().rev().map(|review| (review.kind.clone(), review.about.clone())).collect::<Vec<_>>()
    };
    let review = |kind: &str, index: usize| (kind.to_owned(), ids[index].to_string());
    assert_eq!(open().await, [review("by_hand", 0), review("currency", 2), review("dead_letter", 3)]);
    let by_hand = store.reviews(&store::ReviewFilter::default(), None, 50).await.unwrap()[2].id;
    store.resolve_review(by_hand, "posted at the broker", ANA, now()).await.unwrap();
    // A replay asks nobody again, and resolves what can be applied now.
    let all = EventFilter::default();
    assert_eq!(store.replay(&all, None, ANA, after_s(9_000)).await.unwrap().events, 4);
    for job in lease_all(&store, "one", after_s(9_001)).await {
        let again = if job.event_id() == ids[0] { &outcomes[0] } else { &Interpretation::Test };
        apply(&store, &job, again, after_s(9_002)).await;
    }
    assert_eq!(open().await, []);
    let figures = store.review_figures().await.unwrap();
    assert_eq!((figures.open.len(), figures.oldest_at), (0, None));
}

/// What a journal posted is not applied as well, unless a person names the event: then they must look again.
pub(crate) async fn an_event_that_a_journal_posted_is_replayed_only_by_id(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..2).await;
    let by_hand = Interpretation::Unhandled(webhooks::Unhandled::ByHand("an entry"));
    for job in lease_all(&store, "one", now()).await {
        apply(&store, &job, &by_hand, now()).await;
    }
    let open = store::ReviewFilter { is_open: Some(true), ..store::ReviewFilter::default() };
    let reviews = store.reviews(&open, None, 50).await.unwrap();
    let journal = r#"{"effective_at":"2026-01-02T15:00:00Z","reference":"r","reason":"why","postings":[{"kind":"fee","entries":[
        {"account":"system/income","amount":"-5.00","currency":"USD"},{"account":"system/fees","amount":"5.00","currency":"USD"}]}]}"#;
    let approval_above = domain::Money::from_minor(100_000, domain::Currency::Usd);
    let maker = store::Maker { actor: ANA, idempotency_key: "one", approval_above };
    // The latest review is that of the second event.
    let (journal, review) = (serde_json::from_str(journal).unwrap(), reviews[0].id);
    let made = store.resolve_review_with_journal(review, "posted", &journal, maker, now()).await.unwrap();
    assert_eq!(made.state, store::JournalState::Posted);
    assert_eq!(store.count_replayable(&EventFilter::default()).await.unwrap(), 1);
    assert_eq!(store.replay(&EventFilter::default(), None, ANA, after_s(9)).await.unwrap().events, 1);
    for job in lease_all(&store, "one", after_s(10)).await {
        assert_eq!(job.event_id(), ids[0]);
        apply(&store, &job, &Interpretation::Test, after_s(10)).await;
    }
    assert_eq!(store.reviews(&open, None, 50).await.unwrap(), []);
    let named = EventFilter { ids: vec![ids[1]], ..EventFilter::default() };
    assert_eq!(store.replay(&named, None, ANA, after_s(11)).await.unwrap().events, 1);
    for job in lease_all(&store, "one", after_s(12)).await {
        apply(&store, &job, &Interpretation::Test, after_s(12)).await;
    }
    let again = store.reviews(&open, None, 50).await.unwrap();
    assert_eq!(again.iter().map(|review| review.id).collect::<Vec<_>>(), [review]);
}

pub(crate) async fn concurrent_replays_replay_each_event_once(database: &TestDatabase) {
    let stores = [database.open().await, database.open().await];
    receive(&stores[0], 0..200).await;
    apply_all_jobs(&stores[0]).await;
    let filter = EventFilter::default();
    let replays = stores.iter().cycle().take(6).map(|store| {
        let (store, filter) = (store.clone(), filter.clone());
        tokio::spawn(async move { store.replay(&filter, None, ANA, after_s(70)).await.unwrap().events })
    });
    let mut replayed = 0;
    for replay in replays.collect::<Vec<_>>() {
        replayed += replay.await.unwrap();
    }
    assert_eq!(replayed, 200);
}

pub(crate) async fn a_dead_letter_can_be_requeued(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..2).await;
    for attempt in 0..i64::from(ATTEMPTS_MAX) {
        for job in lease_all(&store, "one", after_s(attempt * 600)).await {
            store.fail(&job, "broken", after_s(attempt * 600)).await.unwrap();
        }
    }
    let letters = store.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters.len(), 2);
    let one = [letters[1].job];
    assert_eq!(store.requeue(&one, ANA, after_s(9_000)).await.unwrap(), 1);
    assert_eq!(store.requeue(&one, ANA, after_s(9_000)).await.unwrap(), 0);
    let again = lease_all(&store, "one", after_s(9_001)).await;
    assert_eq!((again.len(), again[0].attempt(), again[0].cause()), (1, 1, JobCause::Requeue));
    assert_eq!(again[0].event_id(), ids[0]);
    assert!(matches!(apply(&store, &again[0], &Interpretation::Test, now()).await, ApplyOutcome::Done));
    let history = store.event(ids[0]).await.unwrap().unwrap().jobs;
    assert_eq!((history[0].state, history[1].state), (JobState::Done, JobState::Requeued));
    assert_eq!(history[1].reason.as_deref(), Some("broken"));
    assert_eq!(store.requeue(&[], ANA, after_s(9_002)).await.unwrap(), 1);
    assert!(store.dead_letters(None, 10).await.unwrap().is_empty());
}

pub(crate) async fn a_replayed_dead_letter_is_no_longer_dead(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..2).await;
    for attempt in 0..i64::from(ATTEMPTS_MAX) {
        for job in lease_all(&store, "one", after_s(attempt * 600)).await {
            store.fail(&job, "broken", after_s(attempt * 600)).await.unwrap();
        }
    }
    let filter = EventFilter { ids: vec![ids[0]], ..EventFilter::default() };
    assert_eq!(store.replay(&filter, None, ANA, after_s(9_000)).await.unwrap().events, 1);
    let dead: Vec<_> =
        store.dead_letters(None, 10).await.unwrap().iter().map(|letter| letter.event.id).collect();
    assert_eq!(dead, [ids[1]]);
    let history = store.event(ids[0]).await.unwrap().unwrap().jobs;
    assert_eq!((history[0].state, history[1].state), (JobState::Pending, JobState::Requeued));
}

pub(crate) async fn redaction_keeps_the_hash_and_the_key(database: &TestDatabase) {
    let store = database.open().await;
    let ids = receive(&store, 0..3).await;
    let before = store.event(ids[0]).await.unwrap().unwrap();
    // The body of an unfinished event stays.
    assert_eq!(store.count_redactable(Provider::Alpaca, after_s(1)).await.unwrap(), 0);
    apply_all_jobs(&store).await;
    receive(&store, 3..4).await;
    assert_eq!(store.count_redactable(Provider::Alpaca, now()).await.unwrap(), 0);
    assert_eq!(store.count_redactable(Provider::Bridge, after_s(1)).await.unwrap(), 0);
    assert_eq!(store.count_redactable(Provider::Alpaca, after_s(1)).await.unwrap(), 3);
    assert_eq!(store.redact(Provider::Alpaca, after_s(1), ANA, after_s(2)).await.unwrap(), 3);
    assert_eq!(store.redact(Provider::Alpaca, after_s(1), ANA, after_s(2)).await.unwrap(), 0);
    let after = store.event(ids[0]).await.unwrap().unwrap();
    assert_eq!((after.body.len(), after.headers.len()), (0, 0));
    assert_eq!(after.summary.redacted_at, Some(after_s(2)));
    assert_eq!((after.body_sha256, after.dedupe_key), (before.body_sha256, before.dedupe_key));
    let copy = store.receive(&trade("id-0", "fill", "AAA"), after_s(3)).await.unwrap();
    assert_eq!(copy, Receipt::Duplicate(ids[0]));
    // An event without a body cannot be replayed.
    assert_eq!(store.count_replayable(&EventFilter::default()).await.unwrap(), 0);
    assert_eq!(store.replay(&EventFilter::default(), None, ANA, after_s(4)).await.unwrap().events, 0);
    store.verify_audit(None, |_, _| ()).await.unwrap();
}

pub(crate) async fn the_backlog_is_counted(database: &TestDatabase) {
    let store = database.open().await;
    let alpaca = async || {
        let backlogs = store.backlog().await.unwrap();
        assert!(backlogs[1..].iter().all(|backlog| backlog.unfinished == 0 && backlog.oldest_at.is_none()));
        (backlogs[0].unfinished, backlogs[0].oldest_at, backlogs[0].dead)
    };
    assert_eq!(alpaca().await, (0, None, 0));
    receive(&store, 0..3).await;
    assert_eq!(alpaca().await, (3, Some(now()), 0));
    let jobs = lease_all(&store, "one", now()).await;
    assert_eq!(alpaca().await, (3, Some(now()), 0));
    apply(&store, &jobs[0], &Interpretation::Test, now()).await;
    assert_eq!(alpaca().await, (2, Some(now()), 0));
    for attempt in 1..i64::from(ATTEMPTS_MAX) {
        lease_all(&store, "one", after_s(attempt * 31)).await;
    }
    lease_all(&store, "one", after_s(86_400)).await;
    assert_eq!(alpaca().await, (0, None, 2));
}
