mod combinations;

use std::path::Path;
use std::time::Duration;

use config::check::{self, Report};
use config::start::{self, Connect, Start};
use config::{Environment, Profile};
use http::{Method, StatusCode};
use telemetry::metrics::DURATION_BUCKETS_S;

use self::combinations::{Combination, KEY_OF_DATABASE, Places, combination};
use super::*;
use telemetry::LogOutput;

/// Longest metrics text of an idle service, in bytes: Prometheus stores every scrape of every replica.
const QUIET_BYTES_MAX: usize = 48 * 1024;

#[test]
fn an_idle_service_has_few_series_and_each_response_adds_only_its_own() {
    let metrics = metrics().unwrap();
    let quiet = metrics.text().unwrap();
    assert!(quiet.len() < QUIET_BYTES_MAX, "{} bytes", quiet.len());
    for status in ["status=\"500\"", "status=\"503\"", "status=\"200\""] {
        let zeros = quiet.lines().filter(|line| line.contains(status) && line.ends_with("} 0")).count();
        assert!(zeros >= openapi::routes().len(), "{status}: {zeros}");
    }
    let other_method = metrics.routes.child(Some("/livez"), &Method::DELETE);
    other_method.observe(StatusCode::METHOD_NOT_ALLOWED, Duration::from_millis(1), None);
    let added = metrics.text().unwrap().lines().count() - quiet.lines().count();
    assert_eq!(
        added,
        1 + DURATION_BUCKETS_S.len() + 3,
        "a count, and the buckets, sum and count of its time"
    );
}

/// Combinations of settings and secrets to try.
const COMBINATIONS: u64 = 300;
/// A file system in memory, where a thousand databases are created quickly.
const MEMORY: &str = "/dev/shm";

fn directory() -> tempfile::TempDir {
    tempfile::tempdir_in(MEMORY).or_else(|_| tempfile::tempdir()).unwrap()
}

/// Every so many combinations, the routes and the clients are built, too, which takes most of the time.
const WHOLE_SERVICE_EVERY: u64 = 25;

/// Whether the check passes, as `investiq config check --resolve` reports it, and the error of a start.
async fn check_and_start(
    environment: &Environment,
    profile: Profile,
    is_whole: bool,
) -> (bool, Option<String>) {
    let checked = start::check(environment, Connect::ToServers).await;
    let passes = Report::new(profile, checked.findings(check::advice(environment))).passes(false);
    let started = async {
        let Start { config, credentials, database } = checked.into_start()?;
        let _listener = crate::serve::bind("BIND_ADDRESS", config.bind_address)?;
        let storage = storage(&config, &credentials, database).await?;
        let store = storage.store.clone();
        match is_whole {
            true => {
                let output = LogOutput::start(io::sink())?;
                service(&config, &credentials, storage, output)?.access_log.close();
            }
            false => parts(&config, &credentials)?,
        }
        store.close().await;
        Ok::<(), Box<dyn std::error::Error>>(())
    };
    (passes, started.await.err().map(|error| telemetry::with_causes(&*error)))
}

/// What of a service depends on settings and secrets.
fn parts(config: &Config, credentials: &Credentials) -> Result<(), Error> {
    let metrics = Arc::new(Metrics::new(Labels::default())?);
    let handle = |name| credentials.handle(name, "test");
    let secrets = (&handle("api_keys")?, handle("admin_bootstrap_token")?);
    api_keys::mode(config, secrets, (0, Vec::new()), &metrics)?;
    let key = credentials.handle("polygon_api_key", "test")?;
    symbol_analysis::open(config, &key, Arc::new(|| 0), None)?;
    event_streams(config, credentials)?;
    Ok(())
}

#[tokio::test]
async fn what_a_check_passes_starts_and_nothing_else_does() {
    let around = directory();
    let database = around.path().join("template.db");
    let url = format!("sqlite:{}", database.display());
    let template =
        [("DATABASE_URL", url.as_str()), ("AUDIT_KEY", KEY_OF_DATABASE), ("BIND_ADDRESS", "127.0.0.1:0")];
    assert_eq!(
        check_and_start(&template.into_iter().collect(), Profile::Development, true).await,
        (true, None)
    );
    let (mut starts, mut disagreements) = (0, Vec::new());
    for seed in 0..COMBINATIONS {
        let directory = directory();
        let Combination { variables, profile, starts: expected } =
            combination(seed, &Places { directory: directory.path(), database: &database });
        let environment: Environment = variables.iter().cloned().collect();
        let is_whole = seed % WHOLE_SERVICE_EVERY == 0;
        let (passes, error) = check_and_start(&environment, Profile::parse(profile), is_whole).await;
        if (passes, error.is_none()) != (expected, expected) {
            disagreements
                .push(format!("{seed}: expected {expected}, check {passes}, start {error:?}: {variables:?}"));
        }
        assert!(expected || is_unchanged(directory.path()), "{seed}: a start that fails creates nothing");
        starts += u64::from(expected);
    }
    assert!(disagreements.is_empty(), "{} disagreements:\n{}", disagreements.len(), disagreements.join("\n"));
    assert!((COMBINATIONS / 4..COMBINATIONS * 3 / 4).contains(&starts), "{starts} of {COMBINATIONS} start");
}

/// Whether there is nothing but the database and the directory of secrets that were there.
fn is_unchanged(directory: &Path) -> bool {
    let files = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    files.into_iter().all(|name| name == "existing.db" || name == "secrets")
}
