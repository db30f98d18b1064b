//! A Secrets Manager that throttles, fails or hangs: requests are served, health reports it, and its recovery causes no
//! burst of calls.

use std::time::{Duration, Instant};

use tests::Server;
use tests::secrets_manager::{Fault, Operation};

use crate::fixture::{NEW_KEY, OLD_KEY, TTL, fake, id, metric, options, status, until};
use crate::load::{Load, MANY};

const NAME: &str = "api_keys";
const STALE: &str = "investiq_secret_stale{secret=\"api_keys\"}";
/// Calls are counted for so long after the recovery.
const AFTER: Duration = Duration::from_secs(5);
/// A server with a time to live of 1 s refreshes so often, in one call.
const REFRESH_INTERVAL: Duration = Duration::from_millis(750);

fn health_status(server: &Server, path: &str) -> (u16, String) {
    let response = tokio::task::block_in_place(|| server.get(path, &[]));
    (response.status, response.json()["status"].as_str().unwrap().to_owned())
}

/// The calls of two servers in this time: their refreshes, and as many again for retries that end one by one after the
/// outage. A burst would be one call per request, up to 200 a second.
fn calls_max(time: Duration) -> usize {
    let refreshes = time.as_millis().div_ceil(REFRESH_INTERVAL.as_millis());
    2 * 2 * usize::try_from(refreshes).unwrap()
}

async fn outage(fault: Fault) {
    let fake = fake();
    fake.seed(&id(NAME), OLD_KEY);
    let (one, two) = (options(&fake).start(), options(&fake).start());
    let load = Load::start(&[&one, &two], OLD_KEY);
    assert_eq!((metric(&one, STALE), health_status(&one, "/readyz")), (0.0, (200, "ok".to_owned())));
    fake.everywhere(&fault);
    let down = fake.calls_total();
    until("both report stale values", || metric(&one, STALE) + metric(&two, STALE) > 1.5).await;
    until("both are degraded", || {
        [&one, &two].iter().all(|server| health_status(server, "/readyz").1 == "degraded")
    })
    .await;
    assert_eq!(health_status(&one, "/readyz").0, 200, "the outage fails no readiness probe");
    assert_eq!(health_status(&two, "/health"), (200, "degraded".to_owned()));
    let down = fake.calls_total() - down;
    fake.seed(&id(NAME), &format!("{OLD_KEY},{NEW_KEY}"));
    fake.clear_faults();
    until("both have the new value", || status(&one, NEW_KEY) == 200 && status(&two, NEW_KEY) == 200).await;
    let (recovered, recovered_at) = (fake.calls(Operation::BatchGetSecretValue), Instant::now());
    tokio::time::sleep(AFTER).await;
    let calls = fake.calls(Operation::BatchGetSecretValue) - recovered;
    let elapsed = recovered_at.elapsed();
    assert!(calls <= calls_max(elapsed), "{fault:?}: {calls} calls within {elapsed:?}");
    until("neither is stale", || metric(&one, STALE) + metric(&two, STALE) == 0.0).await;
    until("both are ready", || [&one, &two].iter().all(|server| health_status(server, "/readyz").1 == "ok"))
        .await;
    load.more(MANY).await;
    let tally = load.end().await;
    assert!(tally.failed().is_empty(), "{fault:?}: {:?}", tally.failed().first());
    let sent = tally.requests.len();
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
