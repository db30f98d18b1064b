//! How many calls a crowd of callers causes, counted by the fake.

use std::time::Duration;

use secrets::{Class, ErrorKind, SecretSpec};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::provider::fixture::{NAME, OLD, Process, TestClock, id, manager, spec, spec_of};

/// For so long a fetched value is used again.
const REUSE: Duration = Duration::from_millis(1_050);
const CROWDS: [usize; 4] = [1, 10, 100, 1_000];
/// Long enough for all callers to wait for the same response.
const SLOW: Duration = Duration::from_secs(1);

/// Refreshes from `size` tasks at once; returns the calls made and the tasks that got a value.
async fn crowd(fake: &FakeSecretsManager, process: &Process, size: usize) -> (usize, usize) {
    let before = fake.calls_total();
    let refresh = |_| {
        let secrets = process.secrets.clone();
        tokio::spawn(async move { secrets.refresh(NAME).await.is_ok() })
    };
    let tasks: Vec<_> = (0..size).map(refresh).collect();
    let mut served = 0;
    for task in tasks {
        served += usize::from(task.await.unwrap());
    }
    (fake.calls_total() - before, served)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_without_a_value_makes_one_call_also_after_invalidation() {
    let fake = FakeSecretsManager::start();
    let clock = TestClock::default();
    let process = Process::start(&manager(&fake, &clock).await, &clock, vec![spec()]).await;
    assert!(process.text().is_err(), "there is no such secret yet");
    fake.seed(&id(), OLD);
    fake.delay(SLOW);
    for size in CROWDS {
        process.secrets.invalidate(NAME).await.unwrap();
        assert_eq!(crowd(&fake, &process, size).await, (1, size));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_with_an_expired_value_makes_one_call() {
    let fake = FakeSecretsManager::start();
    let clock = TestClock::default();
    fake.seed(&id(), OLD);
    let short = SecretSpec { ttl: Duration::from_millis(10), stale_max: Duration::from_millis(20), ..spec() };
    let process = Process::start(&manager(&fake, &clock).await, &clock, vec![short]).await;
    for size in CROWDS {
        tokio::time::sleep(REUSE).await;
        fake.next(Operation::BatchGetSecretValue, [Fault::DecryptionFailure]);
        process.secrets.reload().await;
        tokio::time::sleep(Duration::from_millis(25)).await;
        assert!(matches!(process.text(), Err(error) if error.kind() == ErrorKind::Expired));
        process.secrets.invalidate(NAME).await.unwrap();
        fake.delay(SLOW);
        assert_eq!(crowd(&fake, &process, size).await, (1, size));
        fake.delay(Duration::ZERO);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_first_caller_leaves_its_call_to_the_others() {
    let fake = FakeSecretsManager::start();
    let clock = TestClock::default();
    fake.seed(&id(), OLD);
    let process = Process::start(&manager(&fake, &clock).await, &clock, vec![spec()]).await;
    fake.delay(SLOW);
    for size in CROWDS {
        tokio::time::sleep(REUSE).await;
        let before = fake.calls_total();
        let secrets = process.secrets.clone();
        let first = tokio::spawn(async move { secrets.refresh(NAME).await.map(drop) });
        while fake.calls_total() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        first.abort();
        assert_eq!(crowd(&fake, &process, size).await.1, size);
        assert_eq!(fake.calls_total() - before, 1, "{size} after the cancelled one");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_gets_an_error_makes_one_call_and_keeps_its_value() {
    let fake = FakeSecretsManager::start();
    let clock = TestClock::default();
    fake.seed(&id(), OLD);
    let process = Process::start(&manager(&fake, &clock).await, &clock, vec![spec()]).await;
    fake.delay(SLOW);
    fake.always(Operation::BatchGetSecretValue, Fault::DecryptionFailure);
    for size in CROWDS {
        process.secrets.invalidate(NAME).await.unwrap();
        assert_eq!(crowd(&fake, &process, size).await, (1, size), "within the grace");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fourteen_secrets_and_their_announcements_need_one_call_and_twenty_one_two() {
    for (count, calls) in [(14, 1), (19, 1), (20, 2)] {
        let fake = FakeSecretsManager::start();
        let clock = TestClock::default();
        let specs: Vec<SecretSpec> =
            (0..count).map(|number| spec_of(&format!("key{number}"), Class::ApiKey)).collect();
        specs.iter().for_each(|spec| {
            drop(fake.seed(&spec.name.aws_id(crate::provider::fixture::PREFIX), spec.name.as_str()));
        });
        let process = Process::start(&manager(&fake, &clock).await, &clock, specs).await;
        assert_eq!(fake.calls_total(), calls, "{count}");
        assert!(process.secrets.handle("key13", "test").unwrap().load().is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_four_calls_run_at_once() {
    let fake = FakeSecretsManager::start();
    let clock = TestClock::default();
    let specs: Vec<SecretSpec> =
        (0..11).map(|number| spec_of(&format!("key{number}"), Class::ApiKey)).collect();
    specs.iter().for_each(|spec| {
        drop(fake.seed(&spec.name.aws_id(crate::provider::fixture::PREFIX), spec.name.as_str()));
    });
    fake.always(Operation::BatchGetSecretValue, Fault::AccessDenied);
    fake.delay(Duration::from_millis(100));
    let started = std::time::Instant::now();
    let process = Process::start(&manager(&fake, &clock).await, &clock, specs).await;
    // The batch, then 11 secrets and the announcements, four at a time: 4 × 100 ms.
    assert!(started.elapsed() >= Duration::from_millis(400), "{:?}", started.elapsed());
    assert_eq!(fake.calls(Operation::GetSecretValue), 12);
    process.secrets.reload().await;
    assert_eq!(fake.calls(Operation::BatchGetSecretValue), 1, "a denied operation is not tried again");
}

/// A policy that grants nothing for a moment must not cost a call for each secret from then on.
#[tokio::test(flavor = "multi_thread")]
async fn batches_continue_after_everything_was_denied() {
    let fake = FakeSecretsManager::start();
    let clock = TestClock::default();
    fake.seed(&id(), OLD);
    let process = Process::start(&manager(&fake, &clock).await, &clock, vec![spec()]).await;
    fake.everywhere(&Fault::AccessDenied);
    assert_eq!(process.secrets.reload().await.failed.len(), 1);
    fake.clear_faults();
    let (batches, calls) = (fake.calls(Operation::BatchGetSecretValue), fake.calls_total());
    assert!(process.secrets.reload().await.failed.is_empty());
    assert_eq!((fake.calls(Operation::BatchGetSecretValue) - batches, fake.calls_total() - calls), (1, 1));
}
