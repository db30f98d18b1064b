//! How often the place is asked, however many ask us: counted by the fake.

use std::time::Duration;

use secrets::{Class, Kind, SecretSpec};
use tests::secrets_manager::{FakeSecretsManager, Fault, Operation};

use crate::stage::{Hands, NAME, OLD, Process, id, manager, spec, spec_of};

/// For so long a good answer is believed.
const BELIEVED: Duration = Duration::from_millis(1_050);
const CROWDS: [usize; 4] = [1, 10, 100, 1_000];
/// Long enough that all of a crowd ask before the answer is there.
const SLOW: Duration = Duration::from_secs(1);

/// All of a crowd ask at once; how many calls that made, and how many of the crowd got a value.
async fn crowd(fake: &FakeSecretsManager, process: &Process, size: usize) -> (usize, usize) {
    let before = fake.calls_total();
    let ask = |_| {
        let secrets = process.secrets.clone();
        tokio::spawn(async move { secrets.refresh(NAME).await.is_ok() })
    };
    let asking: Vec<_> = (0..size).map(ask).collect();
    let mut served = 0;
    for asked in asking {
        served += usize::from(asked.await.unwrap());
    }
    (fake.calls_total() - before, served)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_finds_nothing_is_one_call_and_so_is_one_after_invalidate() {
    let fake = FakeSecretsManager::start();
    let hands = Hands::default();
    let process = Process::start(&manager(&fake, &hands).await, &hands, vec![spec()]).await;
    assert!(process.text().is_err(), "cold: there is no such secret yet");
    fake.seed(&id(), OLD);
    fake.delay(SLOW);
    for size in CROWDS {
        process.secrets.invalidate(NAME).await.unwrap();
        assert_eq!(crowd(&fake, &process, size).await, (1, size));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_whose_value_expired_is_one_call() {
    let fake = FakeSecretsManager::start();
    let hands = Hands::default();
    fake.seed(&id(), OLD);
    let short = SecretSpec { ttl: Duration::from_millis(10), stale_max: Duration::from_millis(20), ..spec() };
    let process = Process::start(&manager(&fake, &hands).await, &hands, vec![short]).await;
    for size in CROWDS {
        tokio::time::sleep(BELIEVED).await;
        fake.next(Operation::BatchGetSecretValue, [Fault::DecryptionFailure]);
        process.secrets.reload().await;
        tokio::time::sleep(Duration::from_millis(25)).await;
        assert!(matches!(process.text(), Err(error) if error.kind() == Kind::Expired));
        process.secrets.invalidate(NAME).await.unwrap();
        fake.delay(SLOW);
        assert_eq!(crowd(&fake, &process, size).await, (1, size));
        fake.delay(Duration::ZERO);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_caller_that_goes_away_leaves_its_call_to_the_others() {
    let fake = FakeSecretsManager::start();
    let hands = Hands::default();
    fake.seed(&id(), OLD);
    let process = Process::start(&manager(&fake, &hands).await, &hands, vec![spec()]).await;
    fake.delay(SLOW);
    for size in CROWDS {
        tokio::time::sleep(BELIEVED).await;
        let before = fake.calls_total();
        let secrets = process.secrets.clone();
        let first = tokio::spawn(async move { secrets.refresh(NAME).await.map(drop) });
        while fake.calls_total() == before {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        first.abort();
        assert_eq!(crowd(&fake, &process, size).await.1, size);
        assert_eq!(fake.calls_total() - before, 1, "{size} after the one that went away");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_is_refused_is_one_call_and_keeps_its_value() {
    let fake = FakeSecretsManager::start();
    let hands = Hands::default();
    fake.seed(&id(), OLD);
    let process = Process::start(&manager(&fake, &hands).await, &hands, vec![spec()]).await;
    fake.delay(SLOW);
    fake.always(Operation::BatchGetSecretValue, Fault::DecryptionFailure);
    for size in CROWDS {
        process.secrets.invalidate(NAME).await.unwrap();
        assert_eq!(crowd(&fake, &process, size).await, (1, size), "within its grace of 60 s");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fourteen_secrets_and_their_announcements_are_one_call_and_twenty_one_are_two() {
    for (count, calls) in [(14, 1), (19, 1), (20, 2)] {
        let fake = FakeSecretsManager::start();
        let hands = Hands::default();
        let specs: Vec<SecretSpec> =
            (0..count).map(|number| spec_of(&format!("key{number}"), Class::ApiKey)).collect();
        specs
            .iter()
            .for_each(|spec| drop(fake.seed(&spec.name.aws_id(crate::stage::PREFIX), spec.name.as_str())));
        let process = Process::start(&manager(&fake, &hands).await, &hands, specs).await;
        assert_eq!(fake.calls_total(), calls, "{count}");
        assert!(process.secrets.handle("key13", "test").unwrap().load().is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_most_four_calls_are_under_way() {
    let fake = FakeSecretsManager::start();
    let hands = Hands::default();
    let specs: Vec<SecretSpec> =
        (0..11).map(|number| spec_of(&format!("key{number}"), Class::ApiKey)).collect();
    specs
        .iter()
        .for_each(|spec| drop(fake.seed(&spec.name.aws_id(crate::stage::PREFIX), spec.name.as_str())));
    fake.always(Operation::BatchGetSecretValue, Fault::AccessDenied);
    fake.delay(Duration::from_millis(100));
    let began = std::time::Instant::now();
    let process = Process::start(&manager(&fake, &hands).await, &hands, specs).await;
    // The batch, then 11 secrets and the announcements, four at a time: 4 × 100 ms.
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
    assert_eq!(fake.calls(Operation::GetSecretValue), 12);
    process.secrets.reload().await;
    assert_eq!(fake.calls(Operation::BatchGetSecretValue), 1, "what the policy refuses is not asked again");
}
