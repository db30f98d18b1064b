//! API keys rotated under load: with two phases nobody is refused, without them somebody is, and after an emergency
//! the old key is refused everywhere within a bound.

use std::time::{Duration, Instant};

use secrets::Error;
use secrets::rotation::{Distribution, Rotation, Step};
use tests::Server;
use tests::secrets_manager::FakeSecretsManager;

use crate::load::{Load, MANY};
use crate::stage::{
    NEW_KEY, OLD_KEY, OVERLAP, TTL, begin, clock, fake, given, id, manager, metric, options, reported, spec,
    status, until,
};

const NAME: &str = "api_keys";
/// A process that reaches its place refuses what is denied when it looks again, after its freshness at the latest, and
/// a look ends after 5 s at the longest.
const EMERGENCY_BOUND: Duration = TTL.saturating_add(Duration::from_secs(5));
/// An overlap that a test sits out, and long enough that the old key can be shown to be accepted before it ends.
const SHORT_OVERLAP: Duration = Duration::from_secs(8);
const PREVIOUS_USED: &str = "investiq_secret_previous_used_total{secret=\"api_keys\"}";

fn house() -> (FakeSecretsManager, Server, Server, tempfile::TempDir) {
    let fake = fake();
    fake.seed(&id(NAME), OLD_KEY);
    let (one, two) = (options(&fake).start(), options(&fake).start());
    (fake, one, two, tempfile::tempdir().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_rotated_and_rolled_back_without_one_failed_request() {
    let (fake, one, two, place) = house();
    let load = Load::start(&[&one, &two], OLD_KEY);
    let mut rotation = begin(&fake, NAME, &place.path().join("plan"), OVERLAP).await;
    rotation.create(&given(NEW_KEY)).await.unwrap();
    reported(&[&one, &two], NAME, &rotation.status().to, "pending").await;
    load.more(MANY).await;
    rotation.finish(Distribution::Reported).await.unwrap();
    load.switch(NEW_KEY);
    reported(&[&one, &two], NAME, &rotation.status().to, "current").await;
    assert_eq!((status(&one, OLD_KEY), status(&two, OLD_KEY)), (200, 200), "the one before, for its overlap");
    until("the use of the key before is counted", || metric(&one, PREVIOUS_USED) >= 1.0).await;
    let early = rotation.retire(secrets::rotation::PreviousUse::Seen).await;
    assert!(matches!(early, Err(Error::NotYet { .. })), "{early:?}");

    load.more(MANY).await;
    rotation.rollback().await.unwrap();
    load.switch(OLD_KEY);
    reported(&[&one, &two], NAME, &rotation.status().to, "current").await;
    assert_eq!((status(&one, NEW_KEY), status(&two, NEW_KEY)), (200, 200));
    assert_eq!(
        (rotation.status().step, fake.text(&id(NAME), "AWSCURRENT").as_deref()),
        (Step::Promoted, Some(OLD_KEY))
    );
    load.more(MANY).await;
    let tally = load.end().await;
    let failed = tally.failed();
    assert!(failed.is_empty(), "{} of {} failed: {:?}", failed.len(), tally.shots.len(), failed.first());
    fake.assert_one_current(&id(NAME));
    eprintln!("rotated and rolled back: {} requests, 0 failed", tally.shots.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_overlap_clients_move_while_both_lists_are_accepted() {
    let (fake, one, two, place) = house();
    let load = Load::start(&[&one, &two], OLD_KEY);
    // As the catalogue has it: what is taken off the list ends at once.
    let mut rotation = begin(&fake, NAME, &place.path().join("plan"), spec(NAME).overlap).await;
    rotation.create(&given(NEW_KEY)).await.unwrap();
    reported(&[&one, &two], NAME, &rotation.status().to, "pending").await;
    load.switch(NEW_KEY);
    load.answered(OLD_KEY).await;
    load.more(MANY).await;
    rotation.finish(Distribution::Reported).await.unwrap();
    // At the next look; the shortest overlap that a list can have by mistake is longer than this waits.
    until("the old key is refused", || status(&one, OLD_KEY) != 200 && status(&two, OLD_KEY) != 200).await;
    rotation.retire(secrets::rotation::PreviousUse::None).await.unwrap();
    load.more(MANY).await;
    let tally = load.end().await;
    assert!(tally.failed().is_empty(), "{:?}", tally.failed().first());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_two_phases_requests_fail() {
    let (fake, one, two, _place) = house();
    let load = Load::start(&[&one, &two], OLD_KEY);
    load.more(1).await;
    // Two servers that happen to look just then would make one change seamless, but not one after another.
    for key in [NEW_KEY, OLD_KEY, NEW_KEY, OLD_KEY, NEW_KEY] {
        fake.seed(&id(NAME), key);
        load.switch(key);
        until("in the end it is known", || status(&one, key) == 200 && status(&two, key) == 200).await;
        if !load.tally().failed().is_empty() {
            break;
        }
    }
    let tally = load.end().await;
    assert!(!tally.failed().is_empty(), "none of {} failed", tally.shots.len());
    eprintln!("one step: {} requests, {} failed", tally.shots.len(), tally.failed().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_before_ends_with_its_overlap_though_nobody_tells() {
    let (fake, one, two, place) = house();
    let mut rotation = begin(&fake, NAME, &place.path().join("plan"), SHORT_OVERLAP).await;
    rotation.create(&given(NEW_KEY)).await.unwrap();
    reported(&[&one, &two], NAME, &rotation.status().to, "pending").await;
    let before = Instant::now();
    rotation.finish(Distribution::Reported).await.unwrap();
    assert_eq!((status(&one, OLD_KEY), status(&two, OLD_KEY)), (200, 200));
    until("the old key is refused", || status(&one, OLD_KEY) != 200 && status(&two, OLD_KEY) != 200).await;
    // A deadline is told in whole seconds.
    let took = before.elapsed();
    assert!(took >= SHORT_OVERLAP - TTL, "{took:?}");
    assert_eq!((status(&one, NEW_KEY), status(&two, NEW_KEY)), (200, 200));
}

/// Sends the old key on and on while `replace` brings another; how often it was accepted after the bound.
async fn accepted_after_bound(is_emergency: bool) -> usize {
    let (fake, one, two, place) = house();
    let load = Load::start(&[&one, &two], OLD_KEY);
    load.more(1).await;
    let (manager, spec, plan) = (manager(&fake).await, spec(NAME), place.path().join("plan"));
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
        // Whoever puts the old version back does not bring it back.
        manager.promote(&spec.name, &from, &rotation.status().to).await.unwrap();
    }
    tokio::time::sleep_until((after + 2 * TTL).into()).await;
    load.more(MANY).await;
    let tally = load.end().await;
    let last = tally.shots.iter().filter(|shot| shot.status == Some(200)).map(|shot| shot.at).max();
    let took = last.unwrap().saturating_duration_since(after - EMERGENCY_BOUND);
    eprintln!("emergency: {is_emergency}; the old key was last accepted {took:?} after the promotion");
    tally.accepted_after(after, OLD_KEY)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_an_emergency_the_old_key_is_accepted_nowhere_after_the_bound() {
    assert_eq!(accepted_after_bound(true).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_emergency_it_still_is() {
    assert!(accepted_after_bound(false).await > 0);
}
