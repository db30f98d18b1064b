//! A Secrets Manager that throttles, fails or hangs: requests are served, it shows, and its return is no rush.

use std::time::{Duration, Instant};

use tests::Server;
use tests::secrets_manager::{Fault, Operation};

use crate::load::{Load, MANY};
use crate::stage::{NEW_KEY, OLD_KEY, TTL, fake, id, metric, options, status, until};

const NAME: &str = "api_keys";
const STALE: &str = "investiq_secret_stale{secret=\"api_keys\"}";
/// How long calls are counted after the return.
const AFTER: Duration = Duration::from_secs(5);
/// A server with a freshness of 1 s looks once so often, in one call.
const LOOK_EVERY: Duration = Duration::from_millis(750);

fn word(server: &Server, path: &str) -> (u16, String) {
    let answer = tokio::task::block_in_place(|| server.get(path, &[]));
    (answer.status, answer.json()["status"].as_str().unwrap().to_owned())
}

/// What two servers may ask in this time: their looks, and as many again for pauses that end one by one after the outage
/// and add some looks at a few names. A rush would be one call for each request, of which there are up to 200 a second.
fn calls_max(time: Duration) -> usize {
    let looks = time.as_millis().div_ceil(LOOK_EVERY.as_millis());
    2 * 2 * usize::try_from(looks).unwrap()
}

async fn outage(fault: Fault) {
    let fake = fake();
    fake.seed(&id(NAME), OLD_KEY);
    let (one, two) = (options(&fake).start(), options(&fake).start());
    let load = Load::start(&[&one, &two], OLD_KEY);
    assert_eq!((metric(&one, STALE), word(&one, "/readyz")), (0.0, (200, "ok".to_owned())));
    fake.everywhere(&fault);
    let down = fake.calls_total();
    until("both say that it is stale", || metric(&one, STALE) + metric(&two, STALE) > 1.5).await;
    until("both are degraded", || [&one, &two].iter().all(|server| word(server, "/readyz").1 == "degraded"))
        .await;
    assert_eq!(word(&one, "/readyz").0, 200, "an outage there takes no replica away");
    assert_eq!(word(&two, "/health"), (200, "degraded".to_owned()));
    let down = fake.calls_total() - down;
    fake.seed(&id(NAME), &format!("{OLD_KEY},{NEW_KEY}"));
    fake.behave();
    until("both have the news", || status(&one, NEW_KEY) == 200 && status(&two, NEW_KEY) == 200).await;
    let (returned, returned_at) = (fake.calls(Operation::BatchGetSecretValue), Instant::now());
    tokio::time::sleep(AFTER).await;
    let calls = fake.calls(Operation::BatchGetSecretValue) - returned;
    let took = returned_at.elapsed();
    assert!(calls <= calls_max(took), "{fault:?}: {calls} calls within {took:?}");
    until("neither is stale", || metric(&one, STALE) + metric(&two, STALE) == 0.0).await;
    until("both are ready", || [&one, &two].iter().all(|server| word(server, "/readyz").1 == "ok")).await;
    load.more(MANY).await;
    let tally = load.end().await;
    assert!(tally.failed().is_empty(), "{fault:?}: {:?}", tally.failed().first());
    let sent = tally.shots.len();
    eprintln!(
        "{fault:?}: {sent} requests, 0 failed; {down} calls while down, {calls} in {AFTER:?} after; TTL {TTL:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_served_while_it_throttles() {
    outage(Fault::Throttle).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_served_while_it_fails() {
    outage(Fault::InternalError).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_served_while_it_hangs() {
    outage(Fault::Hang).await;
}
