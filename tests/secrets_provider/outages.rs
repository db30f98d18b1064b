//! A place that throttles, fails, hangs or talks nonsense: readers never wait, and it shows.

use std::time::{Duration, Instant};

use secrets::{Freshness, Kind, SecretSpec};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::stage::{Hands, NAME, NEW, OLD, Process, id, manager, spec};

/// Far above a read, even on a machine that gave its time to others just then, and below what a reader that waited for a
/// hanging service would take: an attempt is given up after 2 s.
const READ_MAX: Duration = Duration::from_millis(1_500);
/// Longest wait for an outage to show, or its end: a search is given up after 5 s, and pauses grow to some seconds.
const NOTICE_WAIT: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_never_wait_and_the_age_of_what_they_get_is_told() {
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
        let (fake, hands) = (FakeSecretsManager::start(), Hands::default());
        fake.seed(&id(), OLD);
        let quick = SecretSpec { ttl: Duration::from_millis(100), ..spec() };
        let process = Process::start(&manager(&fake, &hands).await, &hands, vec![quick]).await;
        let handle = process.secrets.handle(NAME, "test").unwrap();
        let watch = tokio::spawn(process.secrets.clone().watch());
        fake.everywhere(&fault);
        let (began, mut slowest) = (Instant::now(), Duration::ZERO);
        let mut stale = None;
        while began.elapsed() < NOTICE_WAIT && stale.is_none() {
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
        assert_eq!(stale, Some(Kind::Unavailable), "{fault:?}");
        watch.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovery_is_noticed_and_is_no_herd() {
    let (fake, hands) = (FakeSecretsManager::start(), Hands::default());
    fake.seed(&id(), OLD);
    let quick = SecretSpec { ttl: Duration::from_millis(200), ..spec() };
    let process = Process::start(&manager(&fake, &hands).await, &hands, vec![quick]).await;
    let mut handle = process.secrets.handle(NAME, "test").unwrap();
    let watch = tokio::spawn(process.secrets.clone().watch());
    fake.everywhere(&Fault::Throttle);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (throttled, asked) = (fake.calls(Operation::BatchGetSecretValue), process.asked());
    // In 2 s at a freshness of 0.2 s a place that answered would be asked ten times; pauses of up to 1, 2, 4 s make it
    // few, each of up to three attempts, and one may be under way.
    assert!(asked <= 12 && throttled <= 3 * (asked + 1), "{asked} asked, {throttled} calls");
    fake.seed(&id(), NEW);
    fake.behave();
    tokio::time::timeout(NOTICE_WAIT, handle.changed()).await.unwrap();
    assert_eq!(process.text().unwrap(), NEW);
    assert_eq!(handle.health().freshness, Freshness::Fresh);
    watch.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_never_confirmed_expires_and_is_never_stamped_anew() {
    let (fake, hands) = (FakeSecretsManager::start(), Hands::default());
    fake.seed(&id(), OLD);
    let short = SecretSpec { stale_max: Duration::from_millis(800), ..spec() };
    let process = Process::start(&manager(&fake, &hands).await, &hands, vec![short]).await;
    fake.everywhere(&Fault::Garbage);
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(700) {
        process.secrets.invalidate(NAME).await.unwrap();
        drop(process.secrets.refresh(NAME).await);
    }
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(process.text().unwrap_err().kind(), Kind::Expired);
}
