//! A first read of fourteen secrets: time and calls, by the delay of each response.

use std::error::Error;
use std::time::{Duration, Instant};

use secrets::aws::{SecretsManager, Selector};
use secrets::{Catalogue, SecretName, SecretSpec, Source};
use tests::secrets_manager::FakeSecretsManager;

use crate::account::{PREFIX, manager};

const SECRETS: usize = 14;
const DELAYS_MS: [u64; 4] = [0, 20, 50, 100];
const ROUNDS: usize = 5;

type Request = (SecretName, Selector);

/// Measures, and prints a table.
#[tokio::main]
pub(crate) async fn run() -> Result<(), Box<dyn Error>> {
    let catalogue = Catalogue::product();
    let specs: Vec<&SecretSpec> = catalogue.iter().take(SECRETS).collect();
    println!("{SECRETS} secrets, median of {ROUNDS} rounds: milliseconds (calls); at most 4 calls at once\n");
    println!("| delay of each response | one after the other | in parallel | in one batch |");
    println!("| --- | --- | --- | --- |");
    for delay_ms in DELAYS_MS {
        let fake = FakeSecretsManager::start();
        for spec in &specs {
            fake.seed(&spec.name.aws_id(PREFIX), spec.name.as_str());
        }
        let requests = current(&fake, &specs).await?;
        fake.delay(Duration::from_millis(delay_ms));
        let sequential = measure(&fake, async |manager| sequential(manager, &requests).await).await?;
        let parallel = measure(&fake, async |manager| parallel(manager, &requests).await).await?;
        let batch = async |manager: &SecretsManager| manager.get_many(&specs).await.iter().flatten().count();
        let batch = measure(&fake, batch).await?;
        println!("| {delay_ms} ms | {sequential} | {parallel} | {batch} |");
    }
    Ok(())
}

/// The current version of each.
async fn current(fake: &FakeSecretsManager, specs: &[&SecretSpec]) -> Result<Vec<Request>, secrets::Error> {
    let found = manager(fake).await?.get_many(specs).await;
    let ids = found.into_iter().filter_map(|found| found.ok()?.id);
    Ok(specs.iter().zip(ids).map(|(spec, id)| (spec.name.clone(), Selector::Id(id))).collect())
}

/// The median time and the calls of one way; each round uses new connections.
async fn measure(
    fake: &FakeSecretsManager,
    way: impl AsyncFn(&SecretsManager) -> usize,
) -> Result<String, secrets::Error> {
    let (mut samples, mut calls) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        let manager = manager(fake).await?;
        let (before, started) = (fake.calls_total(), Instant::now());
        assert_eq!(way(&manager).await, SECRETS, "all were found");
        samples.push(started.elapsed().as_secs_f64() * 1e3);
        calls = fake.calls_total() - before;
    }
    samples.sort_by(f64::total_cmp);
    Ok(format!("{:.0} ({calls})", samples[ROUNDS / 2]))
}

/// One call each: a version by its id, without its announcement.
async fn sequential(manager: &SecretsManager, requests: &[Request]) -> usize {
    let mut found = 0;
    for (name, which) in requests {
        found += usize::from(manager.find(name, which).await.is_ok());
    }
    found
}

async fn parallel(manager: &SecretsManager, requests: &[Request]) -> usize {
    let tasks = requests.iter().cloned().map(|(name, which)| {
        let manager = manager.clone();
        tokio::spawn(async move { manager.find(&name, &which).await.is_ok() })
    });
    let mut found = 0;
    for task in tasks.collect::<Vec<_>>() {
        found += usize::from(task.await.unwrap_or_default());
    }
    found
}
