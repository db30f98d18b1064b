//! The value of a secret is in no output of any command, and every command is looked at.

use std::collections::BTreeSet;

use crate::command::{CANARY, Place};

/// A second value, so that the one in the environment and the one in the file differ.
const CANARY_ENV: &str = "c4n4ry-Jp4wRk7nXt9vMq1zGc6yLs8bHd2fKe";

/// At least one run of every command, with values in every place that it looks in.
const RUNS: &[&str] = &[
    "completions bash",
    "config check production --resolve --connect",
    "config check production --resolve --json",
    "config check development --resolve --strict",
    "keys generate",
    "secrets check --profile production",
    "secrets check --profile production --json",
    "secrets check --profile development",
    "secrets explain polygon_api_key",
    "secrets explain polygon_api_key --json --profile production",
    "secrets explain jwt_secret",
    "secrets init --directory secrets --replace jwt_secret",
    "secrets init --directory secrets --json",
    "secrets list",
    "secrets list --json",
    "secrets report",
    "secrets report --json",
    "secrets report --ics",
    "secrets set polygon_api_key --directory secrets --replace --from-file value",
    "secrets set polygon_api_key --directory secrets --replace --from-file value --json --dry-run",
    "secrets set jwt_secret --directory secrets --replace --from-file value",
];

/// The names below `path` that its help lists as commands, with those below them.
fn commands(place: &Place, path: &str) -> Vec<String> {
    let help = place.run(&format!("{path} --help")).out;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| line.starts_with("  "));
    let names = listed.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names
        .flat_map(|name| {
            let path = format!("{path} {name}").trim().to_owned();
            let below = commands(place, &path);
            if below.is_empty() { vec![path] } else { below }
        })
        .collect()
}

#[test]
fn no_command_prints_a_value() {
    for profile in ["development", "production"] {
        let place = Place::new();
        place.run("secrets init");
        std::fs::write(place.path("value"), CANARY).unwrap();
        place.plant("polygon_api_key", CANARY, 0o444);
        // One of a wrong form, whose error has every reason to quote it.
        place.plant("alert_webhook_url", &format!("{CANARY}\n{CANARY}"), 0o444);
        let directory = place.path("secrets").to_string_lossy().into_owned();
        let place = place
            .set("SECRETS_DIR", &directory)
            .set("INVESTIQ_PROFILE", profile)
            .set("POLYGON_API_KEY", CANARY_ENV)
            .set("DATABASE_URL", &format!("postgres://u:{CANARY_ENV}@localhost/x"))
            .set("POLYGON_BASE_URL", "http://127.0.0.1:9")
            .set("RUST_LOG", "trace")
            .set("RUST_BACKTRACE", "1");
        for run in RUNS {
            let ran = place.run(run);
            let text = format!("{}{}", ran.out, ran.err);
            assert!(!text.is_empty(), "{run} says something");
            for canary in [CANARY, CANARY_ENV] {
                assert!(!text.contains(canary), "{run} prints a value:\n{text}");
            }
            for made in std::fs::read_dir(place.path("secrets")).unwrap() {
                let value = std::fs::read_to_string(made.unwrap().path()).unwrap();
                assert!(!text.contains(&value), "{run} prints a value:\n{text}");
            }
        }
    }
}

#[test]
fn every_command_is_looked_at() {
    let known: BTreeSet<String> = commands(&Place::new(), "").into_iter().collect();
    let is_run = |command: &&String| RUNS.iter().any(|run| run.starts_with(command.as_str()));
    let missing: Vec<&String> = known.iter().filter(|command| !is_run(command)).collect();
    assert!(known.contains("secrets check"), "{known:?}");
    assert_eq!(missing, Vec::<&String>::new(), "add a run of it above");
}

#[test]
fn usage_errors_end_with_1_and_help_with_0() {
    let place = Place::new();
    for wrong in ["", "secrets", "secrets no-such", "secrets check --profile prod", "secrets list --yes"] {
        assert_eq!(place.run(wrong).code, 1, "{wrong:?}");
    }
    for right in ["--help", "--version", "secrets --help", "help config check"] {
        assert_eq!(place.run(right).code, 0, "{right}");
    }
}
