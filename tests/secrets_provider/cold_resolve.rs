//! What it costs to find fourteen secrets for the first time, by the wait before each answer: time and calls.
//!
//! ```sh
//! cargo run --release -p tests --example cold_resolve
//! ```

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use secrets::aws::{Batching, CredentialSource, SecretsManager, Settings};
use secrets::{Catalogue, Profile, Provider, SecretName, SecretSpec, SecretValue, Selector};
use tests::secrets_manager::{ACCESS_KEY_ID, FakeSecretsManager, REGION, SECRET_ACCESS_KEY};

const PREFIX: &str = "investiq/test";
const SECRETS: usize = 14;
const DELAYS_MS: [u64; 4] = [0, 20, 50, 100];
const ROUNDS: usize = 5;

type Asked = (SecretName, Selector);

#[tokio::main]
async fn main() {
    let catalogue = Catalogue::product();
    let specs: Vec<&SecretSpec> = catalogue.iter().take(SECRETS).collect();
    println!(
        "{SECRETS} secrets, median of {ROUNDS} rounds: milliseconds (calls); at most 4 calls are under way\n"
    );
    println!(
        "| wait before each answer | one after the other | in parallel | in one batch |\n| --- | --- | --- | --- |"
    );
    for delay_ms in DELAYS_MS {
        let fake = FakeSecretsManager::start();
        let seed = |spec: &&SecretSpec| fake.seed(&spec.name.aws_id(PREFIX), spec.name.as_str());
        specs.iter().for_each(|spec| drop(seed(spec)));
        let asked = current(&fake, &specs).await;
        fake.delay(Duration::from_millis(delay_ms));
        let sequential = measure(&fake, async |manager| sequential(manager, &asked).await).await;
        let parallel = measure(&fake, async |manager| parallel(manager, &asked).await).await;
        let batch =
            measure(&fake, async |manager| manager.get_many(&specs).await.iter().flatten().count()).await;
        println!("| {delay_ms} ms | {sequential} | {parallel} | {batch} |");
    }
}

/// The one version that each has.
async fn current(fake: &FakeSecretsManager, specs: &[&SecretSpec]) -> Vec<Asked> {
    let found = manager(fake).await.get_many(specs).await;
    let ids = found.into_iter().filter_map(|found| found.ok()?.id);
    specs.iter().zip(ids).map(|(spec, id)| (spec.name.clone(), Selector::Version(id))).collect()
}

/// The median time and the calls of one way, each round over connections of its own.
async fn measure(fake: &FakeSecretsManager, way: impl AsyncFn(&SecretsManager) -> usize) -> String {
    let (mut samples, mut calls) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let manager = manager(fake).await;
        let (before, began) = (fake.calls_total(), Instant::now());
        assert_eq!(way(&manager).await, SECRETS, "all were found");
        samples.push(began.elapsed().as_secs_f64() * 1e3);
        calls = fake.calls_total() - before;
    }
    samples.sort_by(f64::total_cmp);
    format!("{:.0} ({calls})", samples[ROUNDS / 2])
}

/// Each in a call of its own: a version by its id, without what is announced of it.
async fn sequential(manager: &SecretsManager, asked: &[Asked]) -> usize {
    let mut found = 0;
    for (name, which) in asked {
        found += usize::from(manager.find(name, which).await.is_ok());
    }
    found
}

async fn parallel(manager: &SecretsManager, asked: &[Asked]) -> usize {
    let asking = asked.iter().cloned().map(|(name, which)| {
        let manager = manager.clone();
        tokio::spawn(async move { manager.find(&name, &which).await.is_ok() })
    });
    let mut found = 0;
    for asked in asking.collect::<Vec<_>>() {
        found += usize::from(asked.await.unwrap_or_default());
    }
    found
}

async fn manager(fake: &FakeSecretsManager) -> SecretsManager {
    let secret_access_key = SecretValue::from_slice(SECRET_ACCESS_KEY.as_bytes());
    let access_key_id = ACCESS_KEY_ID.to_owned();
    let credentials = CredentialSource::Static { access_key_id, secret_access_key, session_token: None };
    let (prefix, region, endpoint) = (PREFIX.to_owned(), REGION.to_owned(), Some(fake.endpoint_url()));
    let settings = Settings { prefix, region, endpoint, credentials, batching: Batching::Together };
    let connected =
        SecretsManager::connect(&settings, Profile::Development, Arc::new(|| SystemTime::UNIX_EPOCH)).await;
    connected.expect("an emulator is allowed in development")
}
