//! A Redis Cluster of three masters with a replica each, one of whose masters dies, without and with TLS.

use std::process::Command;
use std::time::Duration;

use super::load::{Traffic, assert_all_answered, ratio};
use tests::ServerOptions;

use super::redis::Redis;
use super::shared::{BURST, KEY, PER_MINUTE, PER_SECOND, limited, pair, wait_for, wait_until};
use super::tls;

const NODES: usize = 6;
const MASTERS: usize = 3;

const ARGUMENTS: [&str; 6] =
    ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-replica-validity-factor", "0"];

fn start() -> Vec<Redis> {
    join((0..NODES).map(|_| Redis::start_with(&ARGUMENTS)).collect(), "127.0.0.1", &[])
}

/// Makes a cluster of these nodes on the host.
fn join(nodes: Vec<Redis>, host: &str, arguments: &[&str]) -> Vec<Redis> {
    let addresses = nodes.iter().map(|node| format!("{host}:{}", node.port));
    let output = Command::new("redis-cli")
        .args(arguments)
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
    loses_a_master(start(), "127.0.0.1", limited());
}

#[test]
fn a_cluster_with_tls_shares_limits_and_the_death_of_a_master_fails_no_request() {
    let directory = tempfile::tempdir().unwrap();
    tls::certificates(directory.path());
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (certificate, key, ca) = (path("localhost.pem"), path("localhost.key"), path("ca.pem"));
    let start = |_| {
        let mut arguments = ARGUMENTS.to_vec();
        arguments.extend(["--port", "0", "--tls-cluster", "yes", "--tls-replication", "yes"]);
        arguments.extend([
            "--cluster-preferred-endpoint-type",
            "hostname",
            "--cluster-announce-hostname",
            "localhost",
        ]);
        arguments.extend([
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &ca,
        ]);
        arguments.extend(["--tls-auth-clients", "no"]);
        Redis::start_with_tls(&arguments, &ca)
    };
    let nodes = join((0..NODES).map(start).collect(), "127.0.0.1", &["--tls", "--cacert", &ca]);
    loses_a_master(nodes, "localhost", limited().set("REDIS_TLS", "true").set("REDIS_TLS_CA_FILE", &ca));
}

fn loses_a_master(mut nodes: Vec<Redis>, host: &str, options: ServerOptions) {
    let addresses: Vec<String> = nodes.iter().take(2).map(|node| format!("{host}:{}", node.port)).collect();
    let options = options.set("REDIS_CLUSTER_MODE", "true").set("REDIS_CLUSTER_ADDRS", addresses.join(","));
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
