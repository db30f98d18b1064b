//! What a machine can hold of the house rules: who depends on whom, what pure code may touch, how files are named, which
//! pages agree with the code. Each check has a twin that shows it can fail.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod advisories;
mod circles;
mod dashboards;
mod dependencies;
mod fourth_provider;
mod glossary;
mod log_page;
mod names;
mod pages;
mod purity;
mod retired;
mod runbook;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Every file that git tracks, relative to the workspace's root.
fn tracked_files() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(tests::workspace_root())
        .output()
        .expect("git lists the files of a checkout");
    assert!(output.status.success(), "git ls-files");
    let text = String::from_utf8(output.stdout).expect("tracked paths are UTF-8");
    text.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

fn read(path: &Path) -> String {
    let path = tests::workspace_root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Tracked Rust files below `folder`.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    tracked_files()
        .into_iter()
        .filter(|path| {
            path.starts_with(folder) && path.extension().is_some_and(|extension| extension == "rs")
        })
        .filter(|path| tests::workspace_root().join(path).exists())
        .collect()
}
