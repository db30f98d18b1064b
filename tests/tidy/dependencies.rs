//! Pure depends on pure; a shell depends on pure and on the shells that the table names.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// A crate, which of ours it may use, and which of others' (`None`: any).
type Allowance = (&'static str, &'static [&'static str], Option<&'static [&'static str]>);

/// What each of our crates may use. A shell's outside dependencies are free; a pure crate's are listed, because an
/// HTTP or async crate in a pure one would mean that it does I/O.
const ALLOWED: &[Allowance] = &[
    ("domain", &[], Some(&["jiff", "rust_decimal", "serde", "strum", "thiserror", "utoipa"])),
    ("analysis", &["domain"], Some(&["serde", "serde_json", "strum", "ta-lib", "thiserror", "utoipa"])),
    (
        "audit",
        &[],
        Some(&["hex", "hmac", "jiff", "serde", "serde_json", "sha2", "strum", "subtle", "thiserror"]),
    ),
    ("json-writer", &[], Some(&["serde", "serde_json"])),
    ("ledger", &["domain"], Some(&["jiff", "rust_decimal", "serde", "strum", "thiserror"])),
    // Reads the time between requests from its governor; no I/O.
    ("rate-limit", &[], Some(&["governor"])),
    // Wraps a socket that it is handed, hence tokio's traits; it opens none.
    ("strict-http1", &[], Some(&["http", "httparse", "memchr", "thiserror", "tokio"])),
    ("webhooks", &["domain"], Some(WEBHOOKS)),
    ("telemetry", &[], None),
    ("outbound", &[], None),
    ("secrets", &["telemetry", "webhooks"], None),
    // Parses settings into the types of the crates that they are for, and checks whether the database can be opened.
    (
        "config",
        &["audit", "domain", "ledger", "outbound", "rate-limit", "secrets", "store", "telemetry", "webhooks"],
        None,
    ),
    ("market-data", &["domain", "outbound", "telemetry"], None),
    // What both binaries compose an analysis from.
    ("symbol-analysis", &["analysis", "config", "domain", "market-data", "secrets"], None),
    ("alpaca", &["outbound"], None),
    ("store", &["audit", "domain", "ledger", "telemetry", "webhooks"], None),
    ("intake", &["domain", "outbound", "rate-limit", "secrets", "store", "telemetry", "webhooks"], None),
    // What both binaries compose a reconciliation from.
    (
        "reconciliation",
        &["alpaca", "config", "domain", "ledger", "outbound", "secrets", "store", "telemetry", "webhooks"],
        None,
    ),
    // The client of Redis, and what replicas share through it.
    ("coordination", &["config", "rate-limit", "secrets", "telemetry"], None),
    (
        "workers",
        &[
            "alpaca",
            "domain",
            "ledger",
            "market-data",
            "reconciliation",
            "secrets",
            "store",
            "telemetry",
            "webhooks",
        ],
        None,
    ),
    ("api-server", ANY_OF_OURS, None),
    (
        "ops",
        &[
            "analysis",
            "audit",
            "config",
            "domain",
            "intake",
            "market-data",
            "outbound",
            "reconciliation",
            "secrets",
            "store",
            "symbol-analysis",
            "telemetry",
            "webhooks",
        ],
        None,
    ),
    ("test-postgres", &[], None),
    // The crate of the black-box tests starts the server as a process; its tests of the vendor client link that crate.
    ("tests", &["domain", "secrets", "test-postgres"], None),
];

/// The server composes every crate but the operator's command.
const ANY_OF_OURS: &[&str] = &[
    "alpaca",
    "analysis",
    "audit",
    "config",
    "coordination",
    "domain",
    "intake",
    "json-writer",
    "ledger",
    "market-data",
    "outbound",
    "rate-limit",
    "reconciliation",
    "secrets",
    "store",
    "strict-http1",
    "symbol-analysis",
    "telemetry",
    "webhooks",
    "workers",
];

/// Signatures, certificates and what they are written in; nothing that connects to anything.
const WEBHOOKS: &[&str] = &[
    "aws-lc-rs",
    "base64",
    "bytes",
    "hex",
    "hmac",
    "http",
    "jiff",
    "rust_decimal",
    "rustls-pki-types",
    "rustls-webpki",
    "serde",
    "serde_json",
    "sha2",
    "subtle",
    "thiserror",
];

type Dependencies = BTreeMap<String, BTreeSet<String>>;

/// Each member's dependencies, build ones included; test-only ones are free.
fn dependencies() -> Dependencies {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--locked", "--format-version", "1"])
        .current_dir(tests::workspace_root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut all = Dependencies::new();
    for package in metadata["packages"].as_array().unwrap() {
        let names = package["dependencies"].as_array().unwrap().iter();
        let names = names.filter(|dependency| dependency["kind"] != "dev");
        let names = names.map(|dependency| dependency["name"].as_str().unwrap().to_owned()).collect();
        all.insert(package["name"].as_str().unwrap().to_owned(), names);
    }
    all
}

fn faults(found: &Dependencies) -> Vec<String> {
    let ours: BTreeSet<&str> = found.keys().map(String::as_str).collect();
    let mut faults = Vec::new();
    for (name, used) in found {
        let Some((_, inner, outer)) = ALLOWED.iter().find(|(allowed, ..)| allowed == name) else {
            faults.push(format!("{name} has no line in this table: say what it may depend on"));
            continue;
        };
        for dependency in used {
            let is_ours = ours.contains(dependency.as_str());
            let allowed = if is_ours { Some(*inner) } else { *outer };
            if allowed.is_some_and(|allowed| !allowed.contains(&dependency.as_str())) {
                faults.push(format!("{name} must not depend on {dependency}"));
            }
        }
    }
    faults
}

#[test]
fn every_crate_keeps_the_dependency_rule() {
    assert_eq!(faults(&dependencies()), Vec::<String>::new());
}

#[test]
fn a_forbidden_dependency_is_seen() {
    let mut found = dependencies();
    found.get_mut("domain").unwrap().insert("tokio".to_owned());
    found.get_mut("analysis").unwrap().insert("market-data".to_owned());
    found.insert("surprise".to_owned(), BTreeSet::new());
    assert_eq!(faults(&found).len(), 3);
}
