//! A service that throttles, fails, hangs or sends garbage: readers never wait, and health reports it.

use std::time::{Duration, Instant};

use secrets::{ErrorKind, Freshness, SecretSpec};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::provider::fixture::{NAME, NEW, OLD, Process, TestClock, id, manager, spec};

/// Far above a read, even on a busy machine, and below the 2 s after which an attempt at a hanging service times out.
const READ_MAX: Duration = Duration::from_millis(1_500);
/// For an outage or its end to show: a search times out after 5 s, and pauses grow to some seconds.
const NOTICE_TIMEOUT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_never_wait_and_health_reports_stale_values() {
    let faults = [
        Fault::Throttle,
        Fault::InternalError,
        Fault::Hang,
        Fault::Reset,
        Fault::Garbage,
        Fault::CutBody,
        Fault::Trickle(Duration::from_millis(200)),
    ];
    for fault in faults {
        let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
        fake.seed(&id(), OLD);
        let quick = SecretSpec { ttl: Duration::from_millis(100), ..spec() };
        let process = Process::start(&manager(&fake, &clock).await, &clock, vec![quick]).await;
        let handle = process.secrets.handle(NAME, "test").unwrap();
        let watch = tokio::spawn(process.secrets.clone().watch());
        fake.everywhere(&fault);
        let (started, mut slowest) = (Instant::now(), Duration::ZERO);
        let mut stale = None;
        while started.elapsed() < NOTICE_TIMEOUT && stale.is_none() {
            for _ in 0..1_000 {
                let before = Instant::now();
                assert!(handle.load().is_ok_and(|set| set.verify_eq(OLD.as_bytes()).is_some()));
                slowest = slowest.max(before.elapsed());
            }
            if let Freshness::Stale { why, .. } = handle.health().freshness {
                stale = Some(why);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(slowest < READ_MAX, "{fault:?}: {slowest:?}");
        assert_eq!(stale, Some(ErrorKind::Unavailable), "{fault:?}");
        watch.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovery_is_noticed_without_a_thundering_herd() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    fake.seed(&id(), OLD);
    let quick = SecretSpec { ttl: Duration::from_millis(200), ..spec() };
    let process = Process::start(&manager(&fake, &clock).await, &clock, vec![quick]).await;
    let mut handle = process.secrets.handle(NAME, "test").unwrap();
    let watch = tokio::spawn(process.secrets.clone().watch());
    fake.everywhere(&Fault::Throttle);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (calls, operations) = (fake.calls(Operation::BatchGetSecretValue), process.operations());
    // With a time to live of 0.2 s a working service would get ten operations in 2 s; pauses of up to 1, 2, 4 s make it
    // few, each of up to three attempts, and one may be in flight.
    assert!(operations <= 12 && calls <= 3 * (operations + 1), "{operations} operations, {calls} calls");
    fake.seed(&id(), NEW);
    fake.clear_faults();
    tokio::time::timeout(NOTICE_TIMEOUT, handle.changed()).await.unwrap();
    assert_eq!(process.text().unwrap(), NEW);
    assert_eq!(handle.health().freshness, Freshness::Fresh);
    watch.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_refreshed_expires() {
    let (fake, clock) = (FakeSecretsManager::start(), TestClock::default());
    fake.seed(&id(), OLD);
    let short = SecretSpec { stale_max: Duration::from_millis(800), ..spec() };
    let process = Process::start(&manager(&fake, &clock).await, &clock, vec![short]).await;
    fake.everywhere(&Fault::Garbage);
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(700) {
        process.secrets.invalidate(NAME).await.unwrap();
        drop(process.secrets.refresh(NAME).await);
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(process.text().unwrap_err().kind(), ErrorKind::Expired);
}
