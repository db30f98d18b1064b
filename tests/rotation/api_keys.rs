//! API keys rotated under load: in two phases no request fails, in one step some do, and after an emergency every server
//! rejects the old key within a bound.

use std::time::{Duration, Instant};

use secrets::Error;
use secrets::rotation::{Distribution, Rotation, Step};
use tests::Server;
use tests::secrets_manager::FakeSecretsManager;

use crate::fixture::{
    NEW_KEY, OLD_KEY, OVERLAP, TTL, begin, clock, fake, given, id, manager, metric, options, spec, status,
    until, wait_until_reported,
};
use crate::load::{Load, MANY};

const NAME: &str = "api_keys";
/// A server rejects a revoked version after its next refresh: within its time to live, and a refresh takes 5 s at most.
const EMERGENCY_BOUND: Duration = TTL.saturating_add(Duration::from_secs(5));
/// Short enough to wait for, and long enough to show that the old key is accepted until it ends.
const SHORT_OVERLAP: Duration = Duration::from_secs(8);
const PREVIOUS_USED: &str = "investiq_secret_previous_used_total{secret=\"api_keys\"}";

fn setup() -> (FakeSecretsManager, Server, Server, tempfile::TempDir) {
    let fake = fake();
    fake.seed(&id(NAME), OLD_KEY);
    let (one, two) = (options(&fake).start(), options(&fake).start());
    (fake, one, two, tempfile::tempdir().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_rotated_and_rolled_back_without_one_failed_request() {
    let (fake, one, two, directory) = setup();
    let load = Load::start(&[&one, &two], OLD_KEY);
    let mut rotation = begin(&fake, NAME, &directory.path().join("plan"), OVERLAP).await;
    rotation.create(&given(NEW_KEY)).await.unwrap();
    wait_until_reported(&[&one, &two], NAME, &rotation.status().to, "pending").await;
    load.more(MANY).await;
    rotation.finish(Distribution::Reported).await.unwrap();
    load.switch(NEW_KEY);
    wait_until_reported(&[&one, &two], NAME, &rotation.status().to, "current").await;
    assert_eq!(
        (status(&one, OLD_KEY), status(&two, OLD_KEY)),
        (200, 200),
        "the previous key, within its overlap"
    );
    until("the use of the previous key is counted", || metric(&one, PREVIOUS_USED) >= 1.0).await;
    let early = rotation.retire(secrets::rotation::PreviousUse::Seen).await;
    assert!(matches!(early, Err(Error::NotYet { .. })), "{early:?}");

    load.more(MANY).await;
    rotation.rollback().await.unwrap();
    load.switch(OLD_KEY);
    wait_until_reported(&[&one, &two], NAME, &rotation.status().to, "current").await;
    assert_eq!((status(&one, NEW_KEY), status(&two, NEW_KEY)), (200, 200));
    assert_eq!(
        (rotation.status().step, fake.text(&id(NAME), "AWSCURRENT").as_deref()),
        (Step::Promoted, Some(OLD_KEY))
    );
    load.more(MANY).await;
    let tally = load.end().await;
    let failed = tally.failed();
    assert!(failed.is_empty(), "{} of {} failed: {:?}", failed.len(), tally.requests.len(), failed.first());
    fake.assert_one_current(&id(NAME));
    eprintln!("rotated and rolled back: {} requests, 0 failed", tally.requests.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_overlap_clients_switch_while_both_lists_are_accepted() {
    let (fake, one, two, directory) = setup();
    let load = Load::start(&[&one, &two], OLD_KEY);
    // The catalogue's overlap: a removed key ends at once.
    let mut rotation = begin(&fake, NAME, &directory.path().join("plan"), spec(NAME).overlap).await;
    rotation.create(&given(NEW_KEY)).await.unwrap();
    wait_until_reported(&[&one, &two], NAME, &rotation.status().to, "pending").await;
    load.switch(NEW_KEY);
    load.drain(OLD_KEY).await;
    load.more(MANY).await;
    rotation.finish(Distribution::Reported).await.unwrap();
    until("the old key is rejected", || status(&one, OLD_KEY) != 200 && status(&two, OLD_KEY) != 200).await;
    rotation.retire(secrets::rotation::PreviousUse::None).await.unwrap();
    load.more(MANY).await;
    let tally = load.end().await;
    assert!(tally.failed().is_empty(), "{:?}", tally.failed().first());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_two_phases_requests_fail() {
    let (fake, one, two, _place) = setup();
    let load = Load::start(&[&one, &two], OLD_KEY);
    load.more(1).await;
    // Two servers that happen to refresh just then would make one change seamless, but not every one.
    for key in [NEW_KEY, OLD_KEY, NEW_KEY, OLD_KEY, NEW_KEY] {
        fake.seed(&id(NAME), key);
        load.switch(key);
        until("both servers have the new key", || status(&one, key) == 200 && status(&two, key) == 200).await;
        if !load.tally().failed().is_empty() {
            break;
        }
    }
    let tally = load.end().await;
    assert!(!tally.failed().is_empty(), "none of {} failed", tally.requests.len());
    eprintln!("one step: {} requests, {} failed", tally.requests.len(), tally.failed().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_previous_list_ends_with_its_overlap() {
    let (fake, one, two, directory) = setup();
    let mut rotation = begin(&fake, NAME, &directory.path().join("plan"), SHORT_OVERLAP).await;
    rotation.create(&given(NEW_KEY)).await.unwrap();
    wait_until_reported(&[&one, &two], NAME, &rotation.status().to, "pending").await;
    let before = Instant::now();
    rotation.finish(Distribution::Reported).await.unwrap();
    assert_eq!((status(&one, OLD_KEY), status(&two, OLD_KEY)), (200, 200));
    until("the old key is rejected", || status(&one, OLD_KEY) != 200 && status(&two, OLD_KEY) != 200).await;
    // Deadlines are announced in whole seconds.
    let elapsed = before.elapsed();
    assert!(elapsed >= SHORT_OVERLAP - TTL, "{elapsed:?}");
    assert_eq!((status(&one, NEW_KEY), status(&two, NEW_KEY)), (200, 200));
}

/// Sends the old key during a rotation; returns how often it was accepted after the bound.
async fn accepted_after_bound(is_emergency: bool) -> usize {
    let (fake, one, two, directory) = setup();
    let load = Load::start(&[&one, &two], OLD_KEY);
    load.more(1).await;
    let (manager, spec, plan) = (manager(&fake).await, spec(NAME), directory.path().join("plan"));
    let mut rotation = match is_emergency {
        true => {
            Rotation::begin_emergency(&manager, &spec, clock(), plan, "a key in a public log").await.unwrap()
        }
        false => begin(&fake, NAME, &plan, OVERLAP).await,
    };
    rotation.create(&given(NEW_KEY)).await.unwrap();
    rotation.finish(Distribution::Reported).await.unwrap();
    let after = Instant::now() + EMERGENCY_BOUND;
    let from = rotation.status().from;
    tokio::time::sleep_until((after - Duration::from_secs(2)).into()).await;
    until("both have the new key", || status(&one, NEW_KEY) == 200 && status(&two, NEW_KEY) == 200).await;
    if is_emergency {
        // Promoting the old version again does not make it accepted.
        manager.promote(&spec.name, &from, &rotation.status().to).await.unwrap();
    }
    tokio::time::sleep_until((after + 2 * TTL).into()).await;
    load.more(MANY).await;
    let tally = load.end().await;
    let last = tally
        .requests
        .iter()
        .filter(|request| request.status == Some(200))
        .map(|request| request.sent_at)
        .max();
    let accepted_for = last.unwrap().saturating_duration_since(after - EMERGENCY_BOUND);
    eprintln!(
        "emergency: {is_emergency}; the old key was last accepted {accepted_for:?} after the promotion"
    );
    tally.accepted_after(after, OLD_KEY)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_emergency_no_server_accepts_the_old_key_after_the_bound() {
    assert_eq!(accepted_after_bound(true).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_emergency_servers_still_accept_it() {
    assert!(accepted_after_bound(false).await > 0);
}
