//! promtool's tests in `rules/`: each alert fires and stays silent, and changed rules do not pass them.
//!
//! promtool evaluates all rules in each test, and some tests last weeks. Each test runs with the rules that it is about.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use crate::mutants::{Mutant, mutants};
use crate::rule_files::{Alert, FILES, Source, alerts, file_of, sources};
use crate::{Run, configs, copy_tree, read, run};

const TEST: &str = "  - name: ";
/// On two cores that other tests use, too.
const THREADS: usize = 2;
/// Changed rules that are tried.
const MUTANTS: usize = 60;

fn test_files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(tests::workspace_root().join("tests/monitoring/rules")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The tests of these alerts in a file, with its head; `None` if there are none.
fn tests_of(text: &str, alerts: &[&str]) -> Option<String> {
    let mut parts = text.split(TEST);
    let head = parts.next().unwrap_or_default();
    let is_of = |part: &&str| {
        let tested = |alert: &&str| {
            part.lines().any(|line| {
                line.contains(&format!("alertname: {alert} "))
                    || line.ends_with(&format!("alertname: {alert}"))
            })
        };
        alerts.iter().any(tested)
    };
    let tests: String = parts.filter(is_of).map(|part| format!("{TEST}{part}")).collect();
    (!tests.is_empty()).then(|| format!("{head}{tests}"))
}

/// Runs the tests of a file that are about these rules, with no other rule; `None` if they pass, or there are none.
fn failure(rules: &[Source], file: &Path) -> Option<Run> {
    let text = read(file);
    let rules: Vec<&Source> = rules.iter().filter(|rule| tests_of(&text, &[&rule.name]).is_some()).collect();
    let names: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let tests = tests_of(&text, &names)?;
    let root = tempfile::tempdir().unwrap();
    let (of_rules, of_tests) =
        (root.path().join("configs/prometheus"), root.path().join("tests/monitoring/rules"));
    copy_tree(&configs().join("prometheus/recording_rules"), &of_rules.join("recording_rules"));
    for directory in [&of_rules.join("alert_rules"), &of_tests] {
        std::fs::create_dir_all(directory).unwrap();
    }
    for file in FILES {
        let texts = rules.iter().filter(|rule| rule.file == file).map(|rule| rule.text.as_str());
        std::fs::write(of_rules.join("alert_rules").join(file), file_of(texts)).unwrap();
    }
    std::fs::write(of_tests.join("test.yml"), tests).unwrap();
    let run = run(Command::new("promtool").args(["test", "rules", "test.yml"]).current_dir(of_tests));
    (!run.is_success).then_some(run)
}

/// Applies `work` to each item, on a few threads.
fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, results) = (Mutex::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let index = {
                        let mut next = next.lock().unwrap();
                        *next += 1;
                        *next - 1
                    };
                    let Some(item) = items.get(index) else { return };
                    let result = work(item);
                    results.lock().unwrap().push((index, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap();
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[test]
fn each_alert_fires_and_stays_silent() {
    let tested = |file: &PathBuf| -> Vec<(bool, String)> {
        let text = read(file);
        let names = text.lines().filter_map(|line| {
            let (_, rest) = line.split_once("alertname: ")?;
            // A check without expected alerts is on one line.
            Some((!line.contains('{'), rest.trim_end_matches('}').trim().to_owned()))
        });
        names.collect()
    };
    let tested: BTreeSet<(bool, String)> = test_files().iter().flat_map(tested).collect();
    for alert in alerts() {
        let Alert { name, .. } = &alert;
        assert!(tested.contains(&(true, name.clone())), "no test makes {name} fire");
        assert!(tested.contains(&(false, name.clone())) || name == "Watchdog", "no test keeps {name} silent");
    }
    let run = |file: &PathBuf| failure(&sources(), file).map(|run| run.text);
    let failures: Vec<String> = each(&test_files(), run).into_iter().flatten().collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn changed_rules_do_not_pass() {
    let all: Vec<Mutant> = sources().iter().flat_map(mutants).collect();
    // Of all rules and all kinds of change.
    let step = all.len().div_ceil(MUTANTS);
    let tried: Vec<&Mutant> = all.iter().step_by(step).collect();
    assert!(tried.len() >= 40, "{} of {}", tried.len(), all.len());
    let started = Instant::now();
    let files = test_files();
    let is_noticed = |mutant: &Mutant| {
        files.iter().any(|file| failure(std::slice::from_ref(&mutant.rule), file).is_some())
    };
    let passed = each(&tried, |mutant| (!is_noticed(mutant)).then(|| mutant.change.clone()));
    let passed: Vec<String> = passed.into_iter().flatten().collect();
    assert!(
        passed.is_empty(),
        "{} of {} changes pass all tests:\n{}",
        passed.len(),
        tried.len(),
        passed.join("\n")
    );
    println!("{} of {} changed rules were tried, in {:.1?}", tried.len(), all.len(), started.elapsed());
}

#[test]
fn each_alert_says_what_is_wrong_and_what_to_read() {
    for alert in alerts() {
        let (name, severity, summary) =
            (&alert.name, alert.text("labels.severity"), alert.text("annotations.summary"));
        let expected: &[&str] = if name == "Watchdog" { &["none"] } else { &["critical", "warning", "info"] };
        assert!(expected.contains(&severity), "{name}: {severity}");
        assert!(
            name == "Watchdog" || !alert.text("for").is_empty(),
            "{name} fires at the first failed evaluation"
        );
        assert!(!summary.is_empty() && !summary.contains('\n'), "{name}: {summary}");
        let runbook = format!("{{{{ $externalLabels.runbook }}}}/docs/runbook.md#{}", name.to_lowercase());
        assert_eq!(alert.text("annotations.runbook_url"), runbook, "{name}");
    }
}

/// Metrics that the server exports, by name, without the suffixes of histograms.
fn server_metrics(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
    let ours = words.filter(|word| word.starts_with("investiq_"));
    ours.map(|word| {
        ["_bucket", "_count", "_sum"]
            .iter()
            .fold(word, |word, suffix| word.trim_end_matches(suffix))
            .to_owned()
    })
    .collect()
}

#[test]
fn rules_use_metrics_that_exist() {
    let page = read(&tests::workspace_root().join("docs/METRICS.md"));
    let recorded = read(&configs().join("prometheus/recording_rules/slo.yml"));
    let expressions = alerts().into_iter().map(|alert| alert.text("expr").to_owned()).chain([recorded]);
    let used: BTreeSet<String> = expressions.flat_map(|expression| server_metrics(&expression)).collect();
    assert!(used.len() > 25, "{used:?}");
    let missing: Vec<&String> = used.iter().filter(|name| !page.contains(&format!("| `{name}` |"))).collect();
    assert!(missing.is_empty(), "not in docs/METRICS.md: {missing:?}");
}
