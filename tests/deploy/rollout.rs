//! `tools/rollout`: what remains when a new server does not become healthy, and when the rollout is interrupted.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tests::engine::Engine;

use crate::host::Host;
use crate::{Run, Test};

pub(crate) const TESTS: &[Test] = &[(
    "rollout::a_failure_or_an_interruption_leaves_healthy_servers",
    Run::Engine(failure_and_interruption),
)];

/// An image whose program exits at once.
const BROKEN_IMAGE: &str = "pebble:stand-in";

fn failure_and_interruption(engine: &Engine) {
    let host = Host::new(engine, "production", &[]);
    host.up(engine);
    let old = host.containers("api-server");
    assert_eq!(old.len(), 2);

    let working = host.image();
    host.set_image(BROKEN_IMAGE);
    let output = rollout(&host).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("did not become healthy") && errors.contains(&working), "{errors}");
    assert_eq!(sorted(host.containers("api-server")), sorted(old.clone()));
    assert_eq!(host.request("/health", &[]).status, 200);

    // A change of a setting replaces servers, too.
    host.set_image(&working);
    host.add_variable("RATE_LIMIT_PER_MINUTE=1000");
    // Killed while the first new server starts, and again when one is replaced.
    let mut first = rollout(&host).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(3));
    first.kill().unwrap();
    first.wait().unwrap();
    let mut second = rollout(&host).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(second.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().starts_with("replaced "));
    second.kill().unwrap();
    second.wait().unwrap();
    assert_eq!(host.request("/health", &[]).status, 200);

    let third: Output = rollout(&host).output().unwrap();
    assert!(third.status.success(), "{}", String::from_utf8_lossy(&third.stderr));
    let new = host.containers("api-server");
    assert!(new.len() == 2 && new.iter().all(|id| !old.contains(id)), "{new:?}");
    let key = format!("X-API-Key: {}", host.admin_key());
    let response = host.request("/api/symbols", &["--header", &key]);
    assert!(response.head.contains("q=1000;w=60"), "{response:?}");
    // Nothing is left to do, for Compose neither.
    let fourth = rollout(&host).output().unwrap();
    let printed = String::from_utf8_lossy(&fourth.stdout);
    assert!(fourth.status.success() && !printed.contains("replaced"), "{printed}");
    host.compose.run(&["up", "--detach", "--wait"]);
    assert_eq!(sorted(host.containers("api-server")), sorted(new));
}

/// With the Compose files and the image that `.env` names.
pub(crate) fn rollout(host: &Host) -> Command {
    let mut command = Command::new(host.file("tools/rollout"));
    command.current_dir(host.path()).env_remove("API_IMAGE");
    command
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}
