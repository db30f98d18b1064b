//! Slips of AWS or of its policy under load: no server of four refuses a request within the grace, all of them recover within
//! seconds although their regular refresh is minutes away, and a key that an operator removes is rejected at once. What is never
//! found again is rejected when the grace ends.

use std::time::{Duration, Instant};

use tests::Server;
use tests::secrets_manager::{FakeSecretsManager, Fault};

use crate::fixture::{NEW_KEY, OLD_KEY, fake, id, metric, metrics, options, status, until};
use crate::load::{Load, MANY};

const NAME: &str = "api_keys";
const STALE: &str = "investiq_secret_stale{secret=\"api_keys\"}";
const EXPIRES: &str = "investiq_secret_expires_timestamp_seconds{secret=\"api_keys\"}";
const CONFIRMED: &str = "investiq_secret_last_success_timestamp_seconds{secret=\"api_keys\"}";
/// The shortest that the settings allow. A regular refresh comes after 225 to 300 s.
const GRACE: Duration = Duration::from_secs(10);
/// For reads after pauses of 1, 2 and 4 s, on a busy machine.
const RECOVERY_MAX: Duration = Duration::from_secs(9);

fn start(fake: &FakeSecretsManager) -> Server {
    let grace_s = GRACE.as_secs().to_string();
    options(fake).set("SECRET_TTL_SECS", "300").set("SECRET_GRACE_SECS", grace_s).start()
}

/// How many of the servers have a value that the source does not confirm.
fn stale(servers: &[Server]) -> usize {
    servers.iter().filter(|server| metric(server, STALE) > 0.5).count()
}

fn accepting(servers: &[Server], key: &str) -> usize {
    servers.iter().filter(|server| status(server, key) == 200).count()
}

fn readiness(server: &Server) -> (u16, String) {
    let response = tokio::task::block_in_place(|| server.get("/readyz", &[]));
    (response.status, response.json()["status"].as_str().unwrap_or_default().to_owned())
}

/// Breaks the source, makes every server read it, and repairs it once all have noticed.
async fn slip(
    what: &str,
    servers: &[Server],
    begin: impl FnOnce(),
    during: impl AsyncFnOnce(),
    end: impl FnOnce(),
) {
    begin();
    servers.iter().for_each(|server| server.signal("HUP"));
    until("every server is stale", || stale(servers) == servers.len()).await;
    during().await;
    end();
    let ended_at = Instant::now();
    until("every server is fresh", || stale(servers) == 0).await;
    let recovered_after = ended_at.elapsed();
    assert!(recovered_after <= RECOVERY_MAX, "{what}: {recovered_after:?}");
    eprintln!("{what}: {} servers fresh again after {recovered_after:?}", servers.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_servers_refuse_no_request_during_slips_and_a_removed_key_at_once() {
    let fake = fake();
    let both = format!("{OLD_KEY},{NEW_KEY}");
    fake.seed(&id(NAME), &both);
    let servers = [start(&fake), start(&fake), start(&fake), start(&fake)];
    let load = Load::start(&servers.each_ref(), NEW_KEY);
    for fault in [Fault::Throttle, Fault::Garbage, Fault::DecryptionFailure] {
        let what = format!("{fault:?}");
        slip(&what, &servers, || fake.everywhere(&fault), async || {}, || fake.clear_faults()).await;
    }
    let lost = || fake.remove(&id(NAME));
    slip("not found", &servers, lost, async || {}, || drop(fake.seed(&id(NAME), &both))).await;

    // A value that no server can parse is read successfully, and replaces nothing.
    fake.seed(&id(NAME), &format!("{{\"api_keys\": \"{OLD_KEY}"));
    servers.iter().for_each(|server| server.signal("HUP"));
    let rejects = |server: &Server| server.log().contains("new API keys rejected");
    until("every server rejects the value", || servers.iter().all(rejects)).await;
    assert_eq!((accepting(&servers, OLD_KEY), accepting(&servers, NEW_KEY)), (4, 4));
    fake.seed(&id(NAME), &both);

    // During the last slip, an operator removes a key.
    let removed = async || {
        let is_shown = |server| metric(server, EXPIRES) > metric(server, CONFIRMED);
        assert!(servers.iter().all(is_shown), "the end of the grace");
        until("all are degraded", || {
            servers.iter().all(|server| readiness(server) == (200, "degraded".into()))
        })
        .await;
        fake.seed(&id(NAME), NEW_KEY);
        assert_eq!(accepting(&servers, OLD_KEY), 4, "a failure to read revokes nothing");
    };
    let denied = || fake.everywhere(&Fault::AccessDenied);
    slip("access denied", &servers, denied, removed, || fake.clear_faults()).await;
    let seen_at = Instant::now();
    until("no server accepts the removed key", || accepting(&servers, OLD_KEY) == 0).await;
    let revoked_after = seen_at.elapsed();
    assert!(revoked_after <= Duration::from_secs(1), "{revoked_after:?}");
    assert!(!metrics(&servers[0]).contains(EXPIRES));
    load.more(MANY).await;
    let tally = load.end().await;
    assert!(tally.failed().is_empty(), "of {}: {:?}", tally.requests.len(), tally.failed().first());
    eprintln!("{} requests, 0 refused; removed key rejected {revoked_after:?} after", tally.requests.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_secret_ends_with_the_grace_and_a_restored_one_works_within_seconds() {
    let fake = fake();
    fake.seed(&id(NAME), OLD_KEY);
    let server = start(&fake);
    fake.remove(&id(NAME));
    server.signal("HUP");
    until("it is stale", || metric(&server, STALE) > 0.5).await;
    let lost_at = Instant::now();
    until("keys are rejected", || status(&server, OLD_KEY) == 401).await;
    let served_for = lost_at.elapsed();
    assert!(
        (GRACE - Duration::from_secs(2)..GRACE + Duration::from_secs(9)).contains(&served_for),
        "{served_for:?}"
    );
    until("it is not ready", || readiness(&server).0 == 503).await;
    fake.seed(&id(NAME), OLD_KEY);
    let restored_at = Instant::now();
    until("keys are accepted again", || status(&server, OLD_KEY) == 200).await;
    // Expired values are read every 10 s.
    assert!(restored_at.elapsed() <= Duration::from_secs(20), "{:?}", restored_at.elapsed());
    let log = server.log();
    for line in ["secret refresh failed\"", "secret expired", "secret refresh works again"] {
        assert_eq!(log.matches(line).count(), 1, "{line}: {log}");
    }
}
