//! The files of Grafana's dashboards are what their description generates.

use std::process::Command;

#[test]
fn the_dashboards_are_current() {
    let root = tests::workspace_root();
    let output = Command::new(root.join("target/venv/bin/python"))
        .args(["tools/dashboards", "--check"])
        .current_dir(&root)
        .output()
        .expect("python starts from target/venv, which `tests/run` creates");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
