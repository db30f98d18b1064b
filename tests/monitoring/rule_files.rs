//! The rules as data and as text.

use std::path::PathBuf;

use serde_json::Value;

use crate::{configs, read};

pub(crate) const FILES: [&str; 2] = ["app_alerts.yml", "slo.yml"];
const RULE: &str = "      - alert: ";
const GROUP: &str = "\n  - name: ";

/// An alert as Prometheus reads it.
#[derive(Clone, Debug)]
pub(crate) struct Alert {
    pub(crate) name: String,
    rule: Value,
}

impl Alert {
    /// The text of a member, such as `expr`, or of one in it, such as `labels.severity`; empty if there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        path.split('.').fold(&self.rule, |value, member| &value[member]).as_str().unwrap_or_default()
    }
}

/// An alert as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) name: String,
    /// The name of its file.
    pub(crate) file: &'static str,
    pub(crate) text: String,
}

pub(crate) fn directory() -> PathBuf {
    configs().join("prometheus/alert_rules")
}

pub(crate) fn alerts() -> Vec<Alert> {
    FILES.iter().flat_map(|file| parse(&read(&directory().join(file)))).collect()
}

fn parse(text: &str) -> Vec<Alert> {
    let file: Value = serde_saphyr::from_str(text).unwrap();
    let groups = file["groups"].as_array().unwrap().iter();
    let rules = groups.flat_map(|group| group["rules"].as_array().unwrap());
    rules.map(|rule| Alert { name: rule["alert"].as_str().unwrap().to_owned(), rule: rule.clone() }).collect()
}

pub(crate) fn sources() -> Vec<Source> {
    let of_file = |file: &'static str| {
        let text = read(&directory().join(file));
        let rules: Vec<String> = text.split(RULE).skip(1).map(str::to_owned).collect();
        rules.into_iter().map(move |rule| {
            let rule = rule.split(GROUP).next().unwrap_or_default();
            let name = rule.lines().next().unwrap_or_default().to_owned();
            Source { name, file, text: format!("{RULE}{}\n", rule.trim_end()) }
        })
    };
    FILES.into_iter().flat_map(of_file).collect()
}

/// A file with these rules only.
pub(crate) fn file_of<'r>(rules: impl IntoIterator<Item = &'r str>) -> String {
    format!("groups:\n  - name: test\n    rules:\n{}", rules.into_iter().collect::<String>())
}
