//! What two and more servers allow of one limit, at several loads, split evenly and unevenly.
//!
//! `LIMIT_MATRIX=full` runs two, three and ten servers with two limits for a minute each, which needs an optimized server:
//! `API_SERVER=target/release/api-server LIMIT_MATRIX=full cargo test --test coordination -- --nocapture matrix`.

use std::path::Path;
use std::time::Duration;

use tests::Server;

use super::load::{Sent, Traffic, assert_all_answered, ratio};
use super::redis::Redis;
use super::shared::{limited, wait_until};

const LOADS: [f64; 4] = [0.9, 1.0, 2.0, 10.0];
/// The part of the requests that the first server gets beside its share of the rest.
const SKEWS: [f64; 2] = [0.0, 0.8];
/// The most requests a second that are sent at the same time.
const PER_SECOND_MAX: f64 = 600.0;

struct Cell {
    load: f64,
    skew: f64,
    per_minute: u32,
    key: String,
}

impl Cell {
    fn traffic(&self) -> Traffic {
        let per_second = self.load * f64::from(self.per_minute) / 60.0;
        Traffic { skew: self.skew, ..Traffic::of_key(&self.key, per_second) }
    }
}

fn cells(per_minute: u32) -> Vec<Cell> {
    let cells = LOADS.into_iter().flat_map(|load| SKEWS.map(|skew| (load, skew))).enumerate();
    let cell = |(number, (load, skew))| Cell {
        load,
        skew,
        per_minute,
        key: format!("coordination-{number:03}-Qm7vX2pLw9TzR4kNc8Yb3H"),
    };
    cells.map(cell).collect()
}

/// Servers with one limit for each key of the cells, which has a burst of ten seconds.
fn servers(redis: Option<&Redis>, replicas: usize, cells: &[Cell]) -> Vec<Server> {
    let keys: Vec<&str> = cells.iter().map(|cell| cell.key.as_str()).collect();
    let options = limited()
        .set("API_KEYS", keys.join(","))
        .set("RATE_LIMIT_PER_MINUTE", cells[0].per_minute.to_string())
        .set("RATE_LIMIT_BURST", burst(cells[0].per_minute).to_string());
    let options = match redis {
        Some(redis) => options.set("REDIS_URL", redis.url()),
        None => options,
    };
    let options = match setting("API_SERVER") {
        Some(path) => options.program(Path::new(&path)),
        None => options,
    };
    let servers: Vec<Server> = (0..replicas).map(|_| options.start()).collect();
    if let Some(redis) = redis {
        wait_until("all replicas are known", || {
            redis.cli(&["ZCARD", "investiq:{replicas}"]) == replicas.to_string()
        });
        // A replica counts the others once a second.
        std::thread::sleep(Duration::from_millis(1500));
    }
    servers
}

#[expect(clippy::disallowed_methods, reason = "these are settings of the test alone")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn burst(per_minute: u32) -> u32 {
    per_minute / 6
}

/// The responses of each cell. Cells are run together as far as the machine can send their requests.
fn run(servers: &[Server], cells: &[Cell], time: Duration) -> Vec<Vec<Sent>> {
    let servers: Vec<&Server> = servers.iter().collect();
    let mut sent = Vec::new();
    let mut rest = cells;
    while !rest.is_empty() {
        let mut sum = 0.0;
        let fits = |cell: &&Cell| {
            sum += cell.traffic().per_second;
            sum <= PER_SECOND_MAX
        };
        let together = rest.iter().take_while(fits).count().max(1);
        let loads: Vec<_> = rest[..together].iter().map(|cell| cell.traffic().start(&servers)).collect();
        std::thread::sleep(time);
        sent.extend(loads.into_iter().map(super::load::Load::stop));
        rest = &rest[together..];
    }
    sent
}

#[test]
fn replicas_together_allow_one_limit_at_every_load_and_split() {
    let is_full = setting("LIMIT_MATRIX").is_some_and(|form| form == "full");
    let (limits, replicas, time): (&[u32], &[usize], _) =
        if is_full { (&[600, 6000], &[2, 3, 10], 60) } else { (&[600], &[2], 15) };
    let redis = Redis::start();
    let mut failed = Vec::new();
    for per_minute in limits {
        let cells = cells(*per_minute);
        for replicas in replicas {
            redis.cli(&["FLUSHALL"]);
            let servers = servers(Some(&redis), *replicas, &cells);
            let (before, seconds) = (redis.calls("evalsha"), Duration::from_secs(time));
            let sent = run(&servers, &cells, seconds);
            let calls = redis.calls("evalsha") - before;
            for (cell, sent) in cells.iter().zip(&sent) {
                assert_all_answered(sent);
                let ratio = ratio(sent, *per_minute, burst(*per_minute));
                let Cell { load, skew, .. } = cell;
                let line = format!(
                    "{per_minute}/min, {replicas} replicas, {load} times, skew {skew}: {ratio:.3} of {}",
                    sent.len()
                );
                println!("{line}");
                // Below the limit, all but one in a hundred are allowed.
                let at_least = if *load < 1.0 { 0.99 } else { 0.95 };
                // Beside other tests, a request may wait for Redis in vain, so that its replica allows its part only.
                let at_least = if is_full { at_least } else { at_least - 0.1 };
                if !(at_least..=1.05).contains(&ratio) {
                    failed.push(line);
                }
            }
            let requests: usize = sent.iter().map(Vec::len).sum();
            println!(
                "{per_minute}/min, {replicas} replicas: {:.3} commands for each request",
                calls as f64 / requests as f64
            );
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");

    let cells = cells(600);
    let alone = servers(None, 2, &cells);
    let sent = run(&alone, &cells[6..], Duration::from_secs(time));
    let control = ratio(&sent[0], 600, burst(600));
    println!("control without Redis, 2 replicas, 10 times: {control:.3}");
    assert!(control >= 1.8, "{control}");
}
