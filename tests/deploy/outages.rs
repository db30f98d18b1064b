//! Replacing and losing containers while clients send requests and providers send deliveries.

mod load;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tests::engine::Engine;

use crate::host::{Host, command};
use crate::rollout::rollout;
use crate::{Run, Test};
use load::Load;

pub(crate) const TESTS: &[Test] = &[
    ("outages::a_rollout_loses_no_request", Run::Engine(a_rollout_loses_no_request)),
    ("outages::a_killed_container_returns_and_no_delivery_is_lost", Run::Engine(killed_containers)),
    ("outages::databases_return_without_a_restart_of_the_server", Run::Engine(databases_away)),
];

/// During a rollout.
const REQUESTS_MIN: usize = 20_000;
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(90);
/// How long each state is under load.
const PHASE: Duration = Duration::from_secs(3);
const ALPACA_SECRET: &str = "Hn8vTx3qWm6zLr2pKc9yBs5dJgAa7Fe4";

fn production(engine: &Engine) -> Host {
    let host = Host::new(engine, "production", &[]);
    for variable in ["RATE_LIMIT_PER_MINUTE", "WEBHOOK_RATE_LIMIT_PER_MINUTE"] {
        host.add_variable(&format!("{variable}=1000000000"));
    }
    let secret = host.file("secrets/live/alpaca_webhook_secret");
    if !secret.exists() {
        std::fs::write(&secret, ALPACA_SECRET).unwrap();
        command("chmod", &["0444", secret.to_str().unwrap()], host.path());
    }
    host.up(engine);
    host
}

fn a_rollout_loses_no_request(engine: &Engine) {
    let host = production(engine);
    let old = host.containers("api-server");
    let load = Load::start(&host);
    let begun = Instant::now();
    let output = rollout(&host).arg("--force").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let took = begun.elapsed();
    load.wait_for_requests(REQUESTS_MIN);
    let tally = load.stop();
    println!("rollout of 2 servers in {took:.1?}: {tally}");
    assert_eq!(tally.failed, 0, "{tally}");
    assert!(host.containers("api-server").iter().all(|id| !old.contains(id)));

    // The control: one server, which is restarted.
    let control = host.containers("api-server").pop().unwrap();
    host.compose.run(&["up", "--detach", "--no-recreate", "--scale", "api-server=1", "api-server"]);
    let load = Load::start(&host);
    std::thread::sleep(PHASE);
    engine.docker(&["restart", host.containers("api-server").first().unwrap_or(&control)]);
    std::thread::sleep(PHASE);
    let tally = load.stop();
    println!("restart of the only server: {tally}");
    assert!(tally.failed > 0, "{tally}");
}

fn killed_containers(engine: &Engine) {
    let host = production(engine);
    let load = Load::start(&host);
    std::thread::sleep(PHASE);
    for service in ["api-server", "redis", "socket-proxy", "traefik", "postgres"] {
        let container = host.container(service);
        let before = load.tally();
        let killed = Instant::now();
        // By its process, because what `docker kill` ends is not restarted.
        let pid = engine.docker(&["inspect", "--format", "{{.State.Pid}}", &container]);
        command("kill", &["-KILL", pid.trim()], host.path());
        wait_until(service, || state(engine, &container) == "1 healthy");
        let healthy = killed.elapsed();
        load.wait_for_requests(before.succeeded + before.failed + 1);
        std::thread::sleep(PHASE);
        let tally = load.tally();
        let outage = load.last_failure().and_then(|last| last.checked_duration_since(killed));
        let lost = tally.failed - before.failed;
        println!(
            "killed {service}: healthy after {healthy:.1?}, {lost} requests failed, the last after {:.1?}",
            outage.unwrap_or_default()
        );
        // Nothing depends on these two while containers do not change.
        assert!(!["redis", "socket-proxy"].contains(&service) || lost == 0, "{service}: {tally}");
        assert!(outage.is_none_or(|outage| outage < RECOVERY_TIMEOUT), "{service}: {tally}");
    }
    let tally = load.stop();
    println!("in all: {tally}");
    assert!(tally.acknowledged.len() > 100, "{tally}");
    every_delivery_is_booked_once(&host, &tally.acknowledged);
}

/// Each acknowledged delivery, and each that was stored without its sender knowing, is booked once.
fn every_delivery_is_booked_once(host: &Host, acknowledged: &BTreeSet<String>) {
    let query = |sql: &str| {
        let arguments = ["exec", "-T", "postgres", "psql", "--no-psqlrc", "--tuples-only", "--no-align"];
        let own = ["--username=investiq", "--dbname=investiq", "--command", sql];
        host.compose.run(&[&arguments[..], &own].concat())
    };
    wait_until("jobs", || query("SELECT count(*) FROM webhook_jobs WHERE state <> 'done'").trim() == "0");
    let stored: BTreeSet<String> =
        query("SELECT id FROM webhook_events").lines().map(str::to_owned).collect();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "{} of {} are lost: {lost:?}", lost.len(), acknowledged.len());
    let booked = query("SELECT -sum(minor) FROM ledger_entries WHERE account = 'system/clearing/alpaca'");
    assert_eq!(booked.trim(), (100 * stored.len()).to_string(), "cents, of deposits of a dollar");
}

fn databases_away(engine: &Engine) {
    let host = production(engine);
    let servers = host.containers("api-server");
    let started = |id: &String| {
        engine.docker(&["inspect", "--format", "{{.State.StartedAt}} {{.RestartCount}} {{.State.Pid}}", id])
    };
    let before: Vec<String> = servers.iter().map(started).collect();
    for (service, ready) in [("redis", 200), ("postgres", 503)] {
        host.compose.run(&["stop", service]);
        wait_until(service, || host.request("/readyz", &[]).status == ready);
        if ready != 200 {
            // Traefik removes servers that are not ready; the process is alive.
            assert!(servers.iter().all(|id| state(engine, id) == "0 healthy"), "{servers:?}");
        }
        let begun = Instant::now();
        host.compose.run(&["start", service]);
        wait_until(service, || host.request("/readyz", &[]).status == 200);
        println!("{service} started again: ready after {:.1?}", begun.elapsed());
    }
    assert_eq!(servers.iter().map(started).collect::<Vec<_>>(), before);
}

/// How often the container was restarted, and its health.
fn state(engine: &Engine, container: &str) -> String {
    let format = "{{.RestartCount}} {{.State.Health.Status}}";
    engine.docker(&["inspect", "--format", format, container]).trim().to_owned()
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + RECOVERY_TIMEOUT;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {RECOVERY_TIMEOUT:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
