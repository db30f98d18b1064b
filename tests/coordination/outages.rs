//! Redis hangs, dies, comes back empty or loses its data: no request fails, and the limit holds.

use std::time::Duration;

use tests::forwarder::Forwarder;

use super::load::{Traffic, assert_all_answered, ratio, within};
use super::redis::Redis;
use super::shared::{
    BURST, KEY, PER_MINUTE, PER_SECOND, limited, metric, pair, wait_for, wait_until, with_redis,
};

/// Within this time after Redis is back, limits are shared again; a check is made each half second.
const RECOVERY: Duration = Duration::from_secs(2);

#[test]
fn a_redis_that_hangs_delays_few_requests_and_fails_none() {
    let redis = Redis::start();
    let (one, other) = pair(&with_redis(&redis));
    let load = Traffic::of_key(KEY, PER_SECOND).start(&[&one, &other]);
    std::thread::sleep(Duration::from_secs(1));
    let stopped = load.started.elapsed();
    redis.signal("STOP");
    std::thread::sleep(Duration::from_secs(3));
    for server in [&one, &other] {
        assert_eq!(metric(server, "investiq_redis_up"), Some(0.0));
        assert_eq!(metric(server, "investiq_rate_limit_shared"), Some(0.0));
    }
    redis.signal("CONT");
    std::thread::sleep(RECOVERY);
    for server in [&one, &other] {
        assert_eq!(metric(server, "investiq_redis_up"), Some(1.0), "{}", server.log());
        assert_eq!(metric(server, "investiq_rate_limit_shared"), Some(1.0));
    }
    std::thread::sleep(Duration::from_secs(2));
    let sent = load.stop();
    assert_all_answered(&sent);
    let whole = ratio(&sent, PER_MINUTE, BURST);
    assert!((0.85..=1.06).contains(&whole), "{whole}");
    // Those that waited for an answer, on both servers, and whatever else is slow on a busy machine.
    let hung = within(&sent, stopped, stopped + Duration::from_secs(3));
    let slow = hung.iter().filter(|sent| sent.took > Duration::from_millis(250)).count();
    assert!(slow <= hung.len() / 50, "{slow} of {}", hung.len());
}

#[test]
fn a_redis_that_dies_comes_back_empty_and_forgets_no_grant() {
    let mut redis = Redis::start();
    let (one, other) = pair(&with_redis(&redis));
    let load = Traffic::of_key(KEY, PER_SECOND).start(&[&one, &other]);
    std::thread::sleep(Duration::from_secs(1));
    redis.kill();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(metric(&one, "investiq_redis_up"), Some(0.0));
    redis.start_again();
    std::thread::sleep(RECOVERY);
    for server in [&one, &other] {
        assert_eq!(metric(server, "investiq_redis_up"), Some(1.0), "{}", server.log());
    }
    redis.cli(&["FLUSHALL"]);
    redis.cli(&["SCRIPT", "FLUSH"]);
    std::thread::sleep(Duration::from_secs(2));
    let sent = load.stop();
    assert_all_answered(&sent);
    let whole = ratio(&sent, PER_MINUTE, BURST);
    assert!((0.85..=1.06).contains(&whole), "{whole}");
    assert!(redis.calls("evalsha") > 0, "the script is known again");
    let decided = metric(&one, "investiq_rate_limit_decisions_total{by=\"share\"}");
    assert!(decided.unwrap() > 20.0, "{decided:?}");
}

#[test]
fn a_redis_that_hangs_while_another_takes_over_is_left() {
    let (old, new) = (Redis::start(), Redis::start());
    let forwarder = Forwarder::start(old.port);
    let server = limited().set("REDIS_URL", format!("redis://127.0.0.1:{}", forwarder.port())).start();
    wait_for(&server, "investiq_redis_up", 1.0);
    old.signal("STOP");
    wait_for(&server, "investiq_redis_up", 0.0);
    forwarder.lead_new_connections_to(new.port);
    wait_for(&server, "investiq_redis_up", 1.0);
    let load = Traffic::of_key(KEY, PER_SECOND / 2.0).start(&[&server]);
    wait_until("limits are shared through the other Redis", || new.calls("evalsha") > 3);
    assert_all_answered(&load.stop());
    assert_eq!(metric(&server, "investiq_redis_up"), Some(1.0), "{}", server.log());

    // It becomes a replica, as after another failover, and refuses to write: its connections are left as well.
    let newest = Redis::start();
    forwarder.lead_new_connections_to(newest.port);
    new.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    wait_until("the server leaves the demoted Redis", || newest.calls("zadd") > 3);
}

#[test]
fn without_any_redis_each_server_allows_its_part_of_the_expected_nodes() {
    let options = limited().set("REDIS_HOST", "127.0.0.1").set("REDIS_PORT", "1").set("EXPECTED_NODES", "4");
    let server = options.set("RATE_LIMIT_PER_MINUTE", "1").start();
    let allowed =
        (0..BURST).filter(|_| server.get("/api/symbols", &[("x-api-key", KEY)]).status == 200).count();
    assert_eq!(allowed, 5, "a quarter of the burst");
    assert_eq!(metric(&server, "investiq_redis_up"), Some(0.0));
    let health = server.get("/health", &[]);
    assert!(health.body.contains("redis"), "{health:?}");
    wait_for(&server, "investiq_redis_breaker_open", 1.0);
}
