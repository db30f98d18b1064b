//! Pure crates are handed everything; all crates explain what they silence.

use std::path::Path;

/// Crates that do no I/O, read no clock and log nothing.
const PURE: &[&str] = &[
    "crates/domain/src",
    "crates/analysis/src",
    "crates/audit/src",
    "crates/json-writer/src",
    "crates/ledger/src",
    "crates/webhooks/src",
];

/// What would break that, and so may not stand in their sources.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
    "println!",
    "eprintln!",
    "tracing::",
    "tokio::",
    "rand::",
];

fn impurities(source: &str) -> Vec<&'static str> {
    IMPURE.iter().copied().filter(|word| source.contains(word)).collect()
}

#[test]
fn pure_crates_touch_nothing_outside() {
    for folder in PURE {
        let files = crate::rust_files(folder);
        assert!(!files.is_empty(), "{folder} has sources");
        for file in files {
            assert_eq!(impurities(&crate::read(&file)), Vec::<&str>::new(), "{}", file.display());
        }
    }
}

#[test]
fn an_impurity_is_seen() {
    assert_eq!(impurities("let text = std::fs::read_to_string(path);"), ["std::fs"]);
}

#[test]
fn a_silenced_lint_says_why() {
    let silencer = concat!("#[al", "low(");
    for folder in ["crates", "tests"] {
        for file in crate::rust_files(folder) {
            assert!(
                !crate::read(&file).contains(silencer),
                "{}: use #[expect(…, reason = …)]",
                file.display()
            );
        }
    }
}

#[test]
fn every_crate_takes_the_shared_lints() {
    let folders = std::fs::read_dir(tests::workspace_root().join("crates")).unwrap();
    for folder in folders.map(|folder| folder.unwrap().file_name()) {
        let manifest = crate::read(&Path::new("crates").join(&folder).join("Cargo.toml"));
        assert!(manifest.contains("[lints]\nworkspace = true"), "{folder:?}");
    }
}

/// Makes a delivery without a signature, for a record of a stream that the server opened itself.
const UNSIGNED: &str = "alpaca::from_stream(";

/// The one caller of [`UNSIGNED`]. A handler that called it would store whatever it is sent.
const UNSIGNED_CALLER: &str = "crates/workers/src/stream_ingest.rs";

fn calls_unsigned(source: &str) -> bool {
    source.contains(UNSIGNED) || source.contains("use webhooks::alpaca::from_stream")
}

#[test]
fn only_the_stream_worker_makes_a_delivery_without_a_signature() {
    let sources = crate::rust_files("crates")
        .into_iter()
        .filter(|file| file.iter().nth(2).is_some_and(|part| part == "src"));
    let callers: Vec<_> = sources.filter(|file| calls_unsigned(&crate::read(file))).collect();
    assert_eq!(callers, [Path::new(UNSIGNED_CALLER)]);
}

#[test]
fn a_call_without_a_signature_is_seen() {
    assert!(calls_unsigned("store.receive(&webhooks::alpaca::from_stream(kind, id, body)?, now)"));
    assert!(!calls_unsigned("store.receive_from_stream(&delivery, cursor, now)"));
}
