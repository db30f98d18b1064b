//! The files are valid, by the programs that read them; a planted fault is found.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::rule_files::alerts;
use crate::{Run, configs, copy_tree, read, replaced, run};

/// A copy of `configs/` with the files that production mounts.
fn copy() -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(&configs(), copy.path());
    for (name, text) in [("api_key", "key"), ("public.yml", "- targets: ['https://api.example.com/livez']\n")]
    {
        std::fs::write(copy.path().join(name), text).unwrap();
    }
    let file = copy.path().join("prometheus.production.yml");
    let text = replaced(&read(&file), "/run/secrets/", &format!("{}/", copy.path().display()));
    std::fs::write(&file, text).unwrap();
    copy
}

fn change(copy: &TempDir, file: &str, from: &str, to: &str) {
    let path = copy.path().join(file);
    std::fs::write(&path, replaced(&read(&path), from, to)).unwrap();
}

fn promtool(copy: &TempDir, file: &str) -> Run {
    run(Command::new("promtool")
        .args(["check", "config", "--lint=all", "--lint-fatal", file])
        .current_dir(copy))
}

fn amtool(copy: &TempDir) -> Run {
    run(Command::new("amtool").args(["check-config", "alertmanager/alertmanager.yml"]).current_dir(copy))
}

fn blackbox(copy: &Path) -> Run {
    run(Command::new("prometheus-blackbox-exporter")
        .args(["--config.check", "--config.file=blackbox.yml"])
        .current_dir(copy))
}

#[test]
fn prometheus_accepts_its_configuration_and_rules() {
    for file in ["prometheus.production.yml", "prometheus.yml"] {
        let checked = promtool(&copy(), file);
        assert!(checked.is_success, "{checked:?}");
        assert!(checked.text.contains("rule files found"), "{checked:?}");
    }
    for (file, from, to) in [
        ("prometheus.production.yml", "scrape_interval", "scrape_intervals"),
        ("prometheus.production.yml", "api_key", "another_key"),
        (
            "prometheus/alert_rules/app_alerts.yml",
            "sum(up{job=\"api-server\"})",
            "sum(up{job=\"api-server\"}",
        ),
        ("prometheus/alert_rules/slo.yml", "humanize }}", "humanise }}"),
        ("prometheus/recording_rules/slo.yml", "record: slo:burn_rate:30m", "record: slo:burn_rate:5m"),
    ] {
        let copy = copy();
        change(&copy, file, from, to);
        let checked = promtool(&copy, "prometheus.production.yml");
        assert!(!checked.is_success, "{file}: `{to}` passes: {checked:?}");
    }
}

#[test]
fn alertmanager_and_blackbox_exporter_accept_their_configurations() {
    let checked = amtool(&copy());
    assert!(checked.is_success && checked.text.contains("1 templates"), "{checked:?}");
    for (file, from, to) in [
        ("alertmanager/alertmanager.yml", "receiver: mail", "receiver: letters"),
        ("alertmanager/alertmanager.yml", "send_resolved: false", "send_resolve: false"),
        ("alertmanager/templates/investiq.tmpl", "{{ end }}", "{{ finish }}"),
    ] {
        let copy = copy();
        change(&copy, file, from, to);
        let checked = amtool(&copy);
        assert!(!checked.is_success, "{file}: `{to}` passes: {checked:?}");
    }
    let copy = copy();
    assert!(blackbox(copy.path()).is_success);
    change(&copy, "blackbox.yml", "fail_if_not_ssl", "fail_if_no_ssl");
    assert!(!blackbox(copy.path()).is_success);
}

#[test]
fn inhibitions_name_alerts_that_exist() {
    let names: BTreeSet<String> = alerts().into_iter().map(|alert| alert.name).collect();
    let text = read(&configs().join("alertmanager/alertmanager.yml"));
    let (_, rules) = text.split_once("inhibit_rules:").unwrap();
    let matchers: Vec<&str> =
        rules.split("alertname").skip(1).filter_map(|rest| rest.split('"').nth(1)).collect();
    assert!(matchers.len() >= 16, "{matchers:?}");
    for name in matchers.iter().flat_map(|matcher| matcher.split('|')) {
        let is_known = match name.strip_suffix(".+") {
            Some(prefix) => names.iter().any(|known| known.starts_with(prefix)),
            None => names.contains(name),
        };
        assert!(is_known, "{name}");
    }
}
