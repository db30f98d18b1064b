//! Prometheus and Alertmanager as they are configured for production: the files are valid, each alert fires when it should and not
//! otherwise, and the right receiver gets it from a real stack whose parts are killed.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod chain;
mod configuration;
mod mutants;
#[path = "../coordination/redis.rs"]
#[expect(dead_code, reason = "written for tests of rate limits, which use all of it")]
mod redis;
mod routes;
mod rule_files;
mod rules;
mod stack;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// What a program printed, and whether it succeeded.
#[derive(Debug)]
struct Run {
    is_success: bool,
    text: String,
}

fn run(command: &mut Command) -> Run {
    let output = command.output();
    let Output { status, stdout, stderr } =
        output.unwrap_or_else(|error| panic!("{command:?}: {error}; tests/run installs it"));
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    Run { is_success: status.success(), text }
}

fn configs() -> PathBuf {
    tests::workspace_root().join("configs")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Copies a directory of text files.
fn copy_tree(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, target) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy_tree(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// The text with one passage replaced, which must exist.
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no `{from}` in:\n{text}");
    text.replace(from, to)
}
