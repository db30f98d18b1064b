//! The dashboards of Grafana, checked without Grafana: their files, and their panels on what a live server exports.
//!
//! A real server on Postgres and Redis has traffic of every kind while Prometheus scrapes it with the rules of
//! configs/prometheus. Then tests/dashboards/live.py compares, and draws target/dashboards/*.png.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod program;
mod stack;
mod traffic;

use std::process::Command;
use std::time::{Duration, Instant};

use stack::Stack;

/// How long there is traffic.
const TRAFFIC: Duration = Duration::from_secs(60);

/// Runs a program of this directory.
fn python(arguments: &[&str]) {
    let root = tests::workspace_root();
    let output = Command::new(root.join("target/venv/bin/python"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(arguments)
        .current_dir(&root)
        .output()
        .expect("python starts from target/venv, which `tests/run` creates");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{arguments:?}:\n{text}");
}

#[test]
fn the_files_have_no_fault_and_each_kind_of_fault_is_found() {
    python(&["tests/dashboards/lint.py"]);
    python(&["tests/dashboards/lint.py", "--faults"]);
}

#[test]
fn panels_and_rules_agree_with_a_live_server_and_every_panel_has_data() {
    let started = Instant::now();
    let stack = Stack::start();
    traffic::send(&stack, TRAFFIC);
    let seconds = stack.scraped_for().as_secs().to_string();
    let (prometheus, metrics) = (stack.prometheus_url(), stack.metrics_url());
    python(&["tests/dashboards/live.py", &prometheus, &metrics, &seconds, "target/dashboards"]);
    eprintln!("dashboards drawn in {:?}", started.elapsed());
}
