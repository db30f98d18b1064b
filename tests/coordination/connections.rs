//! Settings of connections: how many there are, when they are closed, and how often commands are repeated.

use std::time::Duration;

use reqwest::Method;
use tests::Server;

use super::load::{Traffic, assert_all_answered};
use super::redis::Redis;
use super::shared::{KEY, PER_SECOND, limited, metric, wait_for, wait_until, with_redis};

fn commands(server: &Server, outcome: &str) -> f64 {
    let series = format!("investiq_redis_commands_total{{command=\"limits\",outcome=\"{outcome}\"}}");
    metric(server, &series).unwrap()
}

#[test]
fn host_port_database_and_the_number_of_connections_are_those_of_the_settings() {
    let redis = Redis::start();
    for pool_size in [1, 5] {
        let server = limited()
            .set("REDIS_HOST", "127.0.0.1")
            .set("REDIS_PORT", redis.port.to_string())
            .set("REDIS_DB", "3")
            .set("REDIS_POOL_SIZE", pool_size.to_string())
            .set("REDIS_MAX_IDLE_CONNS", "5")
            .start();
        wait_for(&server, "investiq_redis_up", 1.0);
        assert_eq!(redis.connections(), pool_size + 1, "those of the pool, and the one that checks");
        assert_eq!(server.get("/api/symbols", &[("x-api-key", KEY)]).status, 200);
        wait_until("keys in database 3", || redis.cli(&["-n", "3", "DBSIZE"]) == "2");
        assert_eq!(redis.cli(&["DBSIZE"]), "0");
        redis.cli(&["FLUSHALL"]);
    }
}

#[test]
fn connections_grow_with_the_commands_in_progress_up_to_their_maximum_and_idle_ones_are_closed() {
    let redis = Redis::start();
    let keys: Vec<String> =
        (0..8).map(|number| format!("coordination-{number:03}-Qm7vX2pLw9TzR4kNc8Yb3H")).collect();
    let server = with_redis(&redis)
        .set("API_KEYS", keys.join(":admin,") + ":admin")
        .set("RATE_LIMIT_PER_MINUTE", "600000")
        .set("CONNECTIONS_PER_ADDRESS_MAX", "4000")
        .set("REDIS_POOL_SIZE", "1")
        .set("REDIS_MAX_IDLE_CONNS", "2")
        .set("REDIS_MAX_ACTIVE_CONNS", "5")
        .set("REDIS_IDLE_TIMEOUT_SECS", "1")
        .start();
    wait_for_up(&server);
    assert_eq!(redis.connections(), 2);
    let traffic =
        Traffic { method: Method::POST, path: "/api/ledger/journals", keys, ..Traffic::of_key("", 4000.0) };
    let mut most = 0;
    for _ in 0..30 {
        // Commands wait, and are then answered at once.
        redis.cli(&["CLIENT", "PAUSE", "95", "WRITE"]);
        assert_all_answered(&traffic.run(&[&server], Duration::from_millis(100)));
        most = most.max(redis.connections());
        if most == 4 {
            break;
        }
    }
    assert_eq!(most, 4, "three with commands, and the one that checks; the fifth is to replace another");
    wait_until("idle connections are closed", || redis.connections() == 3);
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(redis.connections(), 3, "two stay");
}

fn wait_for_up(server: &Server) {
    wait_until("limits are shared", || server.log().contains("replicas share rate limits"));
}

#[test]
fn commands_are_repeated_as_often_as_the_setting_says() {
    let redis = Redis::start();
    for (retries, is_repeated) in [("0", false), ("3", true)] {
        let server = with_redis(&redis).set("REDIS_MAX_RETRIES", retries).start();
        wait_for(&server, "investiq_redis_up", 1.0);
        let load = Traffic::of_key(KEY, PER_SECOND).start(&[&server]);
        wait_until("a command meets a closed connection", || {
            redis.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
            std::thread::sleep(Duration::from_millis(300));
            commands(&server, if is_repeated { "retried" } else { "failed" }) > 0.0
        });
        assert_all_answered(&load.stop());
        assert_eq!(commands(&server, "retried") > 0.0, is_repeated);
        assert!(metric(&server, "investiq_redis_reconnects_total").unwrap() > 2.0);
    }
}

#[test]
fn settings_that_contradict_each_other_stop_the_start() {
    for (pairs, expected) in [
        (&[("REDIS_URL", "redis://127.0.0.1"), ("REDIS_HOST", "localhost")][..], "set one of them"),
        (&[("REDIS_URL", "redis://:secret-of-redis@127.0.0.1")], "put it into REDIS_PASSWORD"),
        (&[("REDIS_HOST", "localhost"), ("REDIS_CLUSTER_MODE", "true"), ("REDIS_DB", "1")], "must be 0"),
        (&[("REDIS_HOST", "localhost"), ("REDIS_ROUTE_BY_LATENCY", "true")], "must be false"),
        (&[("REDIS_HOST", "localhost"), ("REDIS_POOL_SIZE", "15")], "REDIS_POOL_SIZE + 2"),
        (&[("REDIS_HOST", "localhost"), ("EXPECTED_NODES", "21")], "EXPECTED_NODES"),
    ] {
        let options = pairs.iter().fold(limited(), |options, (name, value)| options.set(name, *value));
        let (status, log) = options.start_failure();
        assert!(!status.success() && log.contains(expected), "{pairs:?}: {log}");
        assert!(!log.contains("secret-of-redis"), "{log}");
    }
}
