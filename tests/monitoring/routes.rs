//! Which receiver gets an alert, as `amtool` decides.

use std::path::Path;
use std::process::Command;

use crate::rule_files::alerts;
use crate::{Run, configs, read, replaced, run};

fn receiver_of(severity: &str) -> &'static str {
    match severity {
        "critical" => "pager",
        "info" => "mail",
        "none" => "heartbeat",
        _ => "chat",
    }
}

/// Succeeds if an alert with these labels goes to this receiver alone.
fn verify(file: &Path, receiver: &str, labels: &[&str]) -> Run {
    let mut amtool = Command::new("amtool");
    run(amtool
        .args(["config", "routes", "test", &format!("--verify.receivers={receiver}")])
        .arg("--config.file")
        .arg(file)
        .args(labels))
}

#[test]
fn each_alert_has_the_receiver_of_its_severity() {
    let file = configs().join("alertmanager/alertmanager.yml");
    for alert in alerts() {
        let severity = alert.text("labels.severity");
        let labels = [
            format!("alertname={}", alert.name),
            format!("severity={severity}"),
            "environment=production".to_owned(),
        ];
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let verified = verify(&file, receiver_of(severity), &labels);
        assert!(verified.is_success, "{labels:?}: {verified:?}");
    }
    // Nothing is lost that nobody thought of.
    assert!(verify(&file, "chat", &["alertname=Unknown"]).is_success);

    // A wrong route is noticed.
    let directory = tempfile::tempdir().unwrap();
    let swapped = directory.path().join("alertmanager.yml");
    std::fs::write(&swapped, replaced(&read(&file), "receiver: pager", "receiver: mail")).unwrap();
    let verified = verify(&swapped, "pager", &["alertname=ApplicationDown", "severity=critical"]);
    assert!(!verified.is_success && verified.text.contains("mail"), "{verified:?}");
}
