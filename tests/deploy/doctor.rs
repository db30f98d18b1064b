//! `investiq doctor` beside a real engine: nothing is wrong before and after the start, and what fails later is found.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;
use tests::binary;
use tests::engine::Engine;

use crate::host::Host;
use crate::{Run, Test};

pub(crate) const TESTS: &[Test] =
    &[("doctor::a_deployment_is_checked_before_and_after_its_start", Run::Engine(before_and_after))];

/// The errors of `doctor`, as `rule subject`.
fn errors(host: &Host) -> BTreeSet<String> {
    let mut doctor = Command::new(binary("investiq"));
    let output = doctor.args(["doctor", "--offline", "--json"]).current_dir(host.path()).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let findings = report["findings"].as_array().unwrap().iter();
    let errors = findings.filter(|finding| finding["severity"] == "error");
    let text = |finding: &Value| format!("{} {}", finding["rule"], finding["subject"]).replace('"', "");
    let errors: BTreeSet<String> = errors.map(text).collect();
    assert_eq!(output.status.code(), Some(if errors.is_empty() { 0 } else { 3 }), "{report}");
    errors
}

fn before_and_after(engine: &Engine) {
    let host = Host::new(engine, "staging", &[]);
    assert_eq!(errors(&host), BTreeSet::new(), "before the start");
    host.up(engine);
    assert_eq!(errors(&host), BTreeSet::new(), "after the start");
    let storage = host.file("secrets/acme/acme.json").canonicalize().unwrap();
    std::fs::set_permissions(&storage, std::fs::Permissions::from_mode(0o644)).unwrap();
    host.compose.run(&["stop", "postgres"]);
    let expected = ["container postgres", "database database", &format!("acme_mode {}", storage.display())];
    assert_eq!(errors(&host), expected.map(str::to_owned).into());
}
