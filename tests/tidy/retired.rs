//! Words that once named things here do not come back. docs/GLOSSARY.md has the words that replaced them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Retired words in the singular, each with what to write in its place.
const RETIRED: &[(&str, &str)] = &[
    ("anew", "again"),
    ("asker", "client"),
    ("ballot", "vote rules"),
    ("crew", "worker supervisor"),
    ("desk", "webhook intake"),
    ("door", "endpoint"),
    ("fallen", "unhealthy worker"),
    ("heart", "heartbeat"),
    ("hire", "register"),
    ("hired", "registered"),
    ("inflow", "stream ingest"),
    ("judge", "validate"),
    ("judged", "validated"),
    ("kick", "notify"),
    ("landing", "in-flight fetch"),
    ("office", "leader lease"),
    ("pulse", "heartbeat configuration"),
    ("reception", "webhook state"),
    ("renewal", "fresh ids"),
    ("roster", "worker registry"),
    ("shelf", "static server"),
    ("sketch", "envelope"),
    ("standing", "status"),
    ("stranger", "unknown client, channel or customer"),
    ("survey", "secret scan"),
    ("told", "reported, sent or known"),
    ("voice", "engine score"),
    ("volley", "load"),
    ("whereabouts", "database location"),
    ("witness", "checkpoint or observer"),
];

/// Endings of files that people write words in.
const WRITTEN: &[&str] = &["css", "html", "js", "md", "py", "rs", "sh", "sql", "toml", "txt", "yaml", "yml"];

/// What others wrote, and this list.
const PASSED_OVER: &[&str] = &["tests/fixtures", "tests/tidy/retired.rs"];

/// The words of a line, with `WorkerPulse` and `worker_pulse` taken apart.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in line.chars() {
        if !letter.is_ascii_alphabetic() || (letter.is_ascii_uppercase() && was_lower) {
            words.push(String::new());
        }
        if letter.is_ascii_alphabetic() {
            words.last_mut().expect("there is always one").push(letter.to_ascii_lowercase());
        }
        was_lower = letter.is_ascii_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

fn retired_in(text: &str) -> BTreeSet<&'static str> {
    let is = |word: &str, retired: &str| word == retired || word.strip_suffix('s') == Some(retired);
    let found = |word: String| RETIRED.iter().map(|(retired, _)| *retired).find(|retired| is(&word, retired));
    text.lines().flat_map(words).filter_map(found).collect()
}

fn is_written(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.is_none_or(|ending| WRITTEN.contains(&ending))
        && !PASSED_OVER.iter().any(|passed_over| path.starts_with(passed_over))
}

#[test]
fn no_retired_word_comes_back() {
    let mut found = Vec::new();
    for path in crate::tracked_files().into_iter().filter(|path| is_written(path)) {
        let Ok(text) = std::fs::read_to_string(tests::workspace_root().join(&path)) else { continue };
        for word in retired_in(&text).union(&retired_in(&path.to_string_lossy())) {
            let (_, instead) = RETIRED.iter().find(|(retired, _)| retired == word).unwrap();
            found.push(format!("{}: write {instead:?} in place of {word:?}", path.display()));
        }
    }
    assert!(found.is_empty(), "{} retired words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_retired_word_is_seen_in_prose_in_names_and_in_paths() {
    assert_eq!(retired_in("// Strangers wait at the door."), BTreeSet::from(["door", "stranger"]));
    assert_eq!(retired_in("fn worker_pulse(heart: WorkerHeart) {}"), BTreeSet::from(["heart", "pulse"]));
    assert_eq!(retired_in("src/workers/crew.rs"), BTreeSet::from(["crew"]));
    assert_eq!(retired_in("a heartbeat, a dashboard, the official name"), BTreeSet::new());
    assert!(is_written(&PathBuf::from("tests/run")) && !is_written(&PathBuf::from("a/sample.json")));
}
