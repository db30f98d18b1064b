//! A Redis Cluster of three masters with a replica each, one of whose masters dies.

use std::process::Command;
use std::time::Duration;

use super::load::{Traffic, assert_all_answered, ratio};
use super::redis::Redis;
use super::shared::{BURST, KEY, PER_MINUTE, PER_SECOND, limited, pair, wait_for, wait_until};

const NODES: usize = 6;
const MASTERS: usize = 3;

fn start() -> Vec<Redis> {
    let arguments = [
        "--cluster-enabled",
        "yes",
        "--cluster-node-timeout",
        "2000",
        "--cluster-replica-validity-factor",
        "0",
    ];
    let nodes: Vec<Redis> = (0..NODES).map(|_| Redis::start_with(&arguments)).collect();
    let addresses = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port));
    let output = Command::new("redis-cli")
        .args(["--cluster", "create"])
        .args(addresses)
        .args(["--cluster-replicas", "1", "--cluster-yes"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    for node in &nodes {
        wait_until("the cluster is complete", || node.cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok"));
    }
    // A replica that never followed its master cannot replace it.
    let is_replica = |node: &Redis| node.cli(&["ROLE"]).starts_with("slave");
    wait_until("three replicas follow", || {
        let following =
            nodes.iter().filter(|node| is_replica(node) && node.cli(&["ROLE"]).contains("connected"));
        following.count() == NODES - MASTERS
    });
    nodes
}

#[test]
fn a_cluster_shares_limits_and_the_death_of_a_master_fails_no_request() {
    let mut nodes = start();
    let addresses: Vec<String> =
        nodes.iter().take(2).map(|node| format!("127.0.0.1:{}", node.port)).collect();
    let options = limited().set("REDIS_CLUSTER_MODE", "true").set("REDIS_CLUSTER_ADDRS", addresses.join(","));
    let (one, other) = pair(&options);
    let traffic = Traffic::of_key(KEY, PER_SECOND);
    let load = traffic.start(&[&one, &other]);
    std::thread::sleep(Duration::from_secs(2));
    let holds_limit = |node: &Redis| node.cli(&["--scan", "--pattern", "investiq:limit:*"]).contains("key");
    let is_master = |node: &Redis| node.cli(&["ROLE"]).starts_with("master");
    let master = nodes.iter().position(|node| is_master(node) && holds_limit(node));
    let master = master.expect("a master has the limit of the key");
    nodes[master].kill();
    std::thread::sleep(Duration::from_secs(1));
    let living = nodes.iter().enumerate().filter(|(index, _)| *index != master).map(|(_, node)| node);
    let living: Vec<&Redis> = living.collect();
    wait_until("a replica has the slots", || {
        living[0].cli(&["CLUSTER", "INFO"]).contains("cluster_state:ok")
    });
    for server in [&one, &other] {
        wait_for(server, "investiq_redis_up", 1.0);
    }
    let is_counted = || living.iter().filter(|node| is_master(node)).any(|node| holds_limit(node));
    wait_until("the limit of the key is in the cluster again", is_counted);
    std::thread::sleep(Duration::from_secs(2));
    let sent = load.stop();
    assert_all_answered(&sent);
    let whole = ratio(&sent, PER_MINUTE, BURST);
    assert!((0.85..=1.06).contains(&whole), "{whole}");
}
