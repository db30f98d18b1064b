//! `tools/rollout`: what remains when a new server does not become healthy, and when the rollout is interrupted.

use std::io::{BufRead as _, BufReader, Write as _};
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
/// An image whose program is alive and never ready.
const NEVER_READY_IMAGE: &str = "never-ready:stand-in";
const NEVER_READY: &str = "FROM stand-in:base\n\
    RUN mkdir /app && printf '#!/bin/sh\\ncase $* in healthcheck) ;; healthcheck*) exit 1 ;; *) exec sleep 600 ;; esac\\n' \
    >/app/api-server && chmod 0755 /app/api-server\n\
    ENTRYPOINT [\"/app/api-server\"]\n";

fn failure_and_interruption(engine: &Engine) {
    let host = Host::new(engine, "production", &[]);
    host.up(engine);
    // By hand: one server more than declared, and a container of another purpose.
    host.compose.run(&["up", "--detach", "--wait", "--no-recreate", "--scale", "api-server=3", "api-server"]);
    let one_off = host.compose.run(&["run", "--detach", "--no-deps", "api-server"]).trim().to_owned();
    let servers = || {
        let mut servers = host.containers("api-server");
        servers.retain(|id| *id != one_off);
        servers.sort();
        servers
    };
    let old = servers();
    assert_eq!(old.len(), 3);

    build(NEVER_READY_IMAGE, NEVER_READY);
    let working = host.image();
    for image in [BROKEN_IMAGE, NEVER_READY_IMAGE] {
        host.set_image(image);
        let output = rollout(&host).env("HEALTHY_SECS_MAX", "10").output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(errors.contains("did not become healthy") && errors.contains(&working), "{errors}");
        assert_eq!(servers(), old, "{image}");
        assert_eq!(host.request("/health", &[]).status, 200);
    }

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
    let new = servers();
    assert!(new.len() == 2 && new.iter().all(|id| !old.contains(id)), "{new:?}");
    let key = format!("X-API-Key: {}", host.admin_key());
    let response = host.request("/api/symbols", &["--header", &key]);
    assert!(response.head.contains("q=1000;w=60"), "{response:?}");
    // Nothing is left to do, for Compose neither.
    let fourth = rollout(&host).output().unwrap();
    let printed = String::from_utf8_lossy(&fourth.stdout);
    assert!(fourth.status.success() && !printed.contains("replaced"), "{printed}");
    host.compose.run(&["up", "--detach", "--wait"]);
    assert_eq!(servers(), new);
    let state = engine.docker(&["inspect", "--format", "{{.State.Running}}", &one_off]);
    assert_eq!(state.trim(), "true");
}

fn build(image: &str, dockerfile: &str) {
    let arguments = ["build", "--quiet", "--tag", image, "-"];
    let mut build = Command::new("docker");
    let build = build.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut build = build.spawn().unwrap();
    build.stdin.take().unwrap().write_all(dockerfile.as_bytes()).unwrap();
    assert!(build.wait().unwrap().success());
}

/// With the Compose files and the image that `.env` names.
pub(crate) fn rollout(host: &Host) -> Command {
    let mut command = Command::new(host.file("tools/rollout"));
    command.current_dir(host.path()).env_remove("API_IMAGE");
    command
}
