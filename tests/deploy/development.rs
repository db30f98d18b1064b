//! `docker compose up` on a fresh clone: what the README promises, secrets in files, and the profiles.

use std::os::unix::fs::chown;
use std::path::Path;
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac as _};
use reqwest::blocking::Client;
use sha2::Sha256;
use tempfile::TempDir;
use tests::engine::{Compose, Engine};
use tests::providers;

use crate::host::{PROJECT, clone_repository};
use crate::{Run, Test};

pub(crate) const TESTS: &[Test] = &[
    ("development::a_fresh_clone_runs_keeps_its_data_and_sees_new_secrets", Run::Engine(fresh_clone)),
    ("development::a_mounted_file_hides_its_replacement", Run::Engine(mounted_file)),
    ("development::the_profiles_run", Run::Engine(profiles)),
];

const URL: &str = "http://127.0.0.1:3000";
/// Longest time until a replaced secret is in force.
const ROTATION_TIMEOUT: Duration = Duration::from_secs(5);
/// A developer, who is neither root nor the user of a container.
const DEVELOPER: u32 = 1000;

const WEBHOOK_SECRET: &str = "Hn8vTx3qWm6zLr2pKc9yBs5dJgAa7Fe4";
const KEYS: [&str; 2] =
    ["dev-first-Qx7Rm2Wd9Kp4Vt6Zb3Nc8Lf1Hs5Jg0", "dev-second-Ua6Ye1Xc8Mn3Bt7Qw2Rz9Pk4Dv5Lh"];

/// A clone, with the project that runs from it.
struct Clone {
    // Before its directory, so that it is removed first.
    compose: Compose,
    directory: TempDir,
}

impl Clone {
    fn new(engine: &Engine, more: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        clone_repository(directory.path());
        let files = [&["docker-compose.yml"], more].concat();
        let paths: Vec<_> = files.iter().map(|file| directory.path().join(file)).collect();
        let paths: Vec<&str> = paths.iter().map(|path| path.to_str().unwrap()).collect();
        Self { compose: engine.compose(PROJECT, &paths).directory(directory.path()), directory }
    }

    /// With the image of this build, which `docker compose up` would otherwise build.
    fn up(&self, profiles: &[&str]) {
        let profiles = profiles.iter().flat_map(|profile| ["--profile", profile]);
        let arguments: Vec<&str> = profiles.chain(["up", "--detach", "--wait", "--no-build"]).collect();
        self.compose.run(&arguments);
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes a file beside it and renames that, as editors and `investiq secrets` do.
    fn write_secret(&self, file: &str, value: &str) {
        let (path, next) = (self.path().join("secrets").join(file), self.path().join("next"));
        std::fs::write(&next, value).unwrap();
        chown(&next, Some(DEVELOPER), Some(DEVELOPER)).unwrap();
        std::fs::rename(next, path).unwrap();
    }
}

fn get(path: &str, key: Option<&str>) -> (u16, String) {
    let request = Client::new().get(format!("{URL}{path}"));
    let response =
        key.into_iter().fold(request, |request, key| request.header("X-API-Key", key)).send().unwrap();
    (response.status().as_u16(), response.text().unwrap())
}

/// A delivery of Alpaca that was signed at this second; what the server made of it.
fn deliver(time: i64) -> (u16, String) {
    let body = r#"{"event":"new"}"#;
    let mut mac = Hmac::<Sha256>::new_from_slice(WEBHOOK_SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.{body}").as_bytes());
    let signature = format!("t={time},v1={}", hex::encode(mac.finalize().into_bytes()));
    let request = Client::new().post(format!("{URL}/api/v1/webhooks/alpaca/trade"));
    let response = request.header("Alpaca-Signature", signature).body(body).send().unwrap();
    (response.status().as_u16(), response.text().unwrap())
}

fn fresh_clone(engine: &Engine) {
    let clone = Clone::new(engine, &[]);
    let begun = Instant::now();
    clone.up(&[]);
    println!("healthy after {:.1?}", begun.elapsed());
    for (path, expected) in [
        ("/health", r#""status":"healthy""#),
        ("/metrics", "investiq_"),
        ("/metrics/json", "{"),
        ("/api/analyze/AAPL", r#""symbol":"AAPL""#),
        ("/docs", "<html"),
    ] {
        let (status, body) = get(path, None);
        assert!(status == 200 && body.contains(expected), "{path}: {status} {body}");
    }
    assert_eq!(
        clone.compose.run(&["ps", "--services"]).split_whitespace().collect::<Vec<_>>(),
        ["api-server", "redis"]
    );

    // A secret takes effect, and what it lets in outlives the containers.
    clone.write_secret("alpaca_webhook_secret.txt", WEBHOOK_SECRET);
    let now = providers::now().as_second();
    let deadline = Instant::now() + ROTATION_TIMEOUT;
    let stored = loop {
        match deliver(now) {
            (503, body) if Instant::now() < deadline => drop(body),
            (status, body) => break (status, body),
        }
    };
    assert!(stored.0 == 200 && stored.1.contains("stored"), "{stored:?}");
    clone.compose.run(&["down"]);
    // For `cargo run` on the host.
    std::fs::write(clone.path().join(".env"), "SECRETS_DIR=secrets\n").unwrap();
    clone.write_secret("api_keys.txt", KEYS[0]);
    clone.up(&[]);
    let again = deliver(now);
    assert!(again.0 == 200 && again.1.contains("duplicate"), "{again:?}");

    // With keys in a file only they pass, and a new one replaces the old one without a restart.
    assert_eq!(statuses(), [200, 401]);
    let start = || engine.docker(&["inspect", "--format", "{{.State.StartedAt}}", "investiq-api-server-1"]);
    let started = start();
    clone.write_secret("api_keys.txt", KEYS[1]);
    let begun = Instant::now();
    while statuses() != [401, 200] {
        assert!(begun.elapsed() < ROTATION_TIMEOUT, "{:?}", statuses());
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("a replaced key is in force after {:.1?}", begun.elapsed());
    assert_eq!(start(), started);
}

/// What each key gets.
fn statuses() -> [u16; 2] {
    KEYS.map(|key| get("/api/symbols", Some(key)).0)
}

/// The twin: a mount of the file itself stays with the old one.
fn mounted_file(engine: &Engine) {
    let clone = Clone::new(engine, &["per-file.yml"]);
    let mount = "services: {api-server: {volumes: !override [\"data:/app/data\", \
                 \"./secrets/api_keys.txt:/run/secrets/api_keys.txt:ro\"]}}";
    std::fs::write(clone.path().join("per-file.yml"), mount).unwrap();
    clone.write_secret("api_keys.txt", KEYS[0]);
    clone.up(&[]);
    clone.write_secret("api_keys.txt", KEYS[1]);
    std::thread::sleep(ROTATION_TIMEOUT);
    assert_eq!(statuses(), [200, 401]);
}

fn profiles(engine: &Engine) {
    let mut clone = Clone::new(engine, &[]);
    clone.compose = clone.compose.set("DATABASE_URL", "postgres://investiq@postgres/investiq");
    clone.write_secret("audit_key.txt", "+K5ZMjQynwolms9MUptlqDHTQzXy4xnJ3qNqBlR161Y=");
    clone.up(&["postgres", "monitoring"]);
    let (status, body) = get("/health", None);
    assert!(status == 200 && body.contains(r#""database":{"status":"ok""#), "{body}");
    let log = clone.compose.run(&["logs", "--no-color", "api-server"]);
    assert!(log.contains("postgres://postgres:5432/investiq"), "{log}");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let url = "http://127.0.0.1:9090/api/v1/query?query=up";
        let answer = Client::new().get(url).send().unwrap().text().unwrap();
        if answer.contains(r#","1"]"#) {
            break;
        }
        assert!(Instant::now() < deadline, "{answer}");
        std::thread::sleep(Duration::from_secs(1));
    }
    assert_eq!(Client::new().get("http://127.0.0.1:3001/api/health").send().unwrap().status().as_u16(), 200);
}
