//! Servers over one Redis act as one for the limits of keys and addresses.

use std::time::Duration;

use reqwest::Method;
use tests::{Server, ServerOptions};

use super::load::{Traffic, allowed, assert_all_answered, ratio};
use super::redis::Redis;

pub(crate) const KEY: &str = "coordination-test-Qm7vX2pLw9TzR4kNc8Yb3HsJ";
/// 50 a second.
pub(crate) const PER_MINUTE: u32 = 3000;
pub(crate) const BURST: u32 = 20;
/// Twice that.
pub(crate) const PER_SECOND: f64 = 100.0;
/// Longest wait for something that takes two seconds at most on an idle machine.
pub(crate) const WAIT: Duration = Duration::from_secs(15);

/// A server whose key has a limit.
pub(crate) fn limited() -> ServerOptions {
    ServerOptions::new()
        .set("API_KEYS", format!("{KEY}:admin"))
        .set("RATE_LIMIT_PER_MINUTE", PER_MINUTE.to_string())
        .set("RATE_LIMIT_BURST", BURST.to_string())
}

pub(crate) fn with_redis(redis: &Redis) -> ServerOptions {
    limited().set("REDIS_URL", redis.url())
}

/// Two servers that share limits.
pub(crate) fn pair(options: &ServerOptions) -> (Server, Server) {
    let (one, other) = (options.start(), options.start());
    for server in [&one, &other] {
        wait_for(server, "investiq_rate_limit_replicas", 2.0);
    }
    (one, other)
}

/// The value of a metric without labels, or with these.
pub(crate) fn metric(server: &Server, series: &str) -> Option<f64> {
    // Behind a proxy, only a key reads metrics.
    let open = server.get("/metrics", &[]);
    let text = if open.status == 200 { open } else { server.get("/metrics", &[("x-api-key", KEY)]) }.body;
    text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok())
}

pub(crate) fn wait_for(server: &Server, series: &str, value: f64) {
    wait_until(&format!("{series} is {value}; {}", server.log()), || metric(server, series) == Some(value));
}

pub(crate) fn wait_until(what: &str, is_true: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + WAIT;
    while !is_true() {
        assert!(std::time::Instant::now() < deadline, "in {WAIT:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn two_servers_allow_a_key_one_limit_and_without_redis_twice_as_much() {
    let redis = Redis::start();
    let (one, other) = pair(&with_redis(&redis));
    let (alone, another) = (limited().start(), limited().start());
    let time = Duration::from_secs(10);
    let traffic = Traffic::of_key(KEY, PER_SECOND);
    let before = redis.calls("evalsha");
    let control = traffic.start(&[&alone, &another]);
    let sent = traffic.run(&[&one, &other], time);
    let control = control.stop();
    let calls = redis.calls("evalsha") - before;
    assert_all_answered(&sent);
    let shared = ratio(&sent, PER_MINUTE, BURST);
    assert!((0.95..=1.05).contains(&shared), "{shared}");
    let control = ratio(&control, PER_MINUTE, BURST);
    assert!(control >= 1.8, "{control}");
    // Two of them are for the replicas each second.
    let per_request = (calls as f64 - 2.0 * time.as_secs_f64()) / sent.len() as f64;
    let decisions = ["replica", "redis", "share"]
        .map(|by| metric(&one, &format!("investiq_rate_limit_decisions_total{{by=\"{by}\"}}")));
    let text = format!("{per_request}: {calls} commands for {} requests, {decisions:?}", sent.len());
    assert!(per_request <= 0.2, "{text}");

    let refused = (0..100).map(|_| one.get("/api/symbols", &[("x-api-key", KEY)]));
    let refused = refused.into_iter().find(|response| response.status == 429).unwrap();
    assert_eq!(refused.problem()["violated-policies"], serde_json::json!(["key"]));
    assert!(refused.header("retry-after").unwrap().parse::<u64>().unwrap() >= 1, "{refused:?}");
    assert!(refused.header("ratelimit").unwrap().starts_with("\"key\";r=0;t="), "{refused:?}");
    assert!(refused.header("ratelimit-policy").unwrap().starts_with("\"key\";q=3000;w=60"), "{refused:?}");
}

#[test]
fn requests_that_move_money_are_counted_exactly() {
    let redis = Redis::start();
    let (one, other) = pair(&with_redis(&redis));
    // Without a body, so that none is posted; whether it is counted is decided before.
    let traffic =
        Traffic { method: Method::POST, path: "/api/ledger/journals", ..Traffic::of_key(KEY, PER_SECOND) };
    let sent = traffic.run(&[&one, &other], Duration::from_secs(6));
    assert_all_answered(&sent);
    let exact = ratio(&sent, PER_MINUTE, BURST);
    assert!((0.98..=1.02).contains(&exact), "{exact}");
    assert!(metric(&one, "investiq_rate_limit_decisions_total{by=\"redis\"}").unwrap() > 50.0);
}

#[test]
fn many_keys_with_few_requests_share_commands() {
    let redis = Redis::start();
    let keys: Vec<String> =
        (0..200).map(|number| format!("coordination-{number:03}-Qm7vX2pLw9TzR4kNc8Yb3H")).collect();
    let options = with_redis(&redis)
        .set("API_KEYS", keys.join(","))
        .set("RATE_LIMIT_PER_MINUTE", "120")
        .set("RATE_LIMIT_BURST", "10");
    let (one, other) = (options.start(), options.start());
    for server in [&one, &other] {
        wait_until("two replicas", || server.log().contains("replicas share rate limits"));
    }
    std::thread::sleep(Duration::from_millis(1500));
    let traffic = Traffic { keys, ..Traffic::of_key("", 200.0) };
    // The first requests of a key ask.
    let first = traffic.run(&[&one, &other], Duration::from_secs(3));
    assert_eq!(allowed(&first), first.len());
    let (before, time) = (redis.calls("evalsha"), Duration::from_secs(4));
    let sent = traffic.run(&[&one, &other], time);
    let calls = (redis.calls("evalsha") - before) as f64 - 2.0 * time.as_secs_f64();
    assert_all_answered(&sent);
    assert_eq!(allowed(&sent), sent.len(), "each key is below its limit");
    let per_request = calls / sent.len() as f64;
    assert!(per_request <= 0.2, "{per_request}: {calls} commands for {} requests", sent.len());
}

#[test]
fn busy_addresses_share_a_limit_and_others_never_reach_redis() {
    let redis = Redis::start();
    let options = with_redis(&redis)
        .set("RATE_LIMIT_PER_MINUTE", "60")
        .set("RATE_LIMIT_BURST", "20")
        .set("TRUSTED_PROXIES", "127.0.0.1/32");
    let (one, other) = pair(&options);
    let request =
        |server: &Server, client: &str| server.get("/nothing", &[("x-forwarded-for", client)]).status;
    let limits = || redis.cli(&["--scan", "--pattern", "investiq:limit:*"]).lines().count();
    for number in 0..500 {
        assert_eq!(request(&one, &format!("198.51.{}.{}", number / 250, number % 250)), 404);
    }
    assert_eq!(limits(), 0, "an address with few requests is counted on its replica");
    let statuses: Vec<u16> =
        (0..80).map(|number| request(if number % 2 == 0 { &one } else { &other }, "203.0.113.7")).collect();
    let allowed = statuses.iter().filter(|status| **status == 404).count();
    assert!((18..=26).contains(&allowed), "a burst of 20 and a second's request now and then: {allowed}");
    assert_eq!(statuses.last(), Some(&429));
    assert_eq!(limits(), 1);
    assert_eq!(request(&one, "203.0.113.8"), 404);
}

#[test]
fn a_server_that_stops_gives_back_its_part_and_leaves() {
    let redis = Redis::start();
    let (one, mut other) = pair(&with_redis(&redis));
    let load = Traffic::of_key(KEY, PER_SECOND).start(&[&one]);
    let second = Traffic::of_key(KEY, 30.0).run(&[&other], Duration::from_secs(2));
    assert_all_answered(&second);
    let log = other.stop_and_read_log();
    assert!(log.contains("shared rate limits given back"), "{log}");
    wait_for(&one, "investiq_rate_limit_replicas", 1.0);
    let stopped = load.started.elapsed();
    std::thread::sleep(Duration::from_secs(4));
    let sent = load.stop();
    assert_all_answered(&sent);
    let after: Vec<_> = sent.iter().filter(|sent| sent.at >= stopped).collect();
    let allowed = after.iter().filter(|sent| sent.status == 200).count() as f64;
    let time = (sent.last().unwrap().at - stopped).as_secs_f64();
    let ratio = allowed / (time * f64::from(PER_MINUTE) / 60.0);
    assert!((0.9..=1.1).contains(&ratio), "the other one has the whole limit: {ratio}");
}
