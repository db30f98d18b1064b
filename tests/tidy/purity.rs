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
const UNSIGNED: &str = "from_stream";

/// Where it is, and its one caller. A handler that called it would store whatever it is sent.
const UNSIGNED_NAMED_IN: &[&str] =
    &["crates/webhooks/src/alpaca.rs", "crates/webhooks/src/lib.rs", "crates/workers/src/stream_ingest.rs"];

fn names_unsigned(source: &str) -> bool {
    let words = source.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    // Without the word of the provider it is the constructor of a body.
    source.contains("alpaca") && words.into_iter().any(|word| word == UNSIGNED)
}

#[test]
fn only_the_stream_worker_makes_a_delivery_without_a_signature() {
    let sources = crate::rust_files("crates")
        .into_iter()
        .filter(|file| file.iter().any(|part| part == "src") && !file.iter().any(|part| part == "tests"));
    let callers: Vec<_> = sources.filter(|file| names_unsigned(&crate::read(file))).collect();
    assert_eq!(callers, UNSIGNED_NAMED_IN.iter().map(Path::new).collect::<Vec<_>>());
}

#[test]
fn a_call_without_a_signature_is_seen() {
    assert!(names_unsigned("use webhooks::alpaca::{Kind, from_stream};"));
    assert!(!names_unsigned("store.receive_from_stream(&delivery, cursor, now)"));
}
