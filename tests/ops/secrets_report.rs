//! A secret's source, age and due date: as a table, JSON and a calendar.

use crate::command::{CANARY, Workspace};

/// A secret that is a hundred days old, and one in the environment.
fn workspace() -> Workspace {
    let workspace = Workspace::new().set("ALPACA_API_KEY", "Kq7-vendor-made-0w7dHk3mZq9xT1bR");
    workspace.write_secret("polygon_api_key", CANARY, 0o444);
    workspace.backdate("polygon_api_key", 100);
    workspace
}

#[test]
fn a_secret_is_explained_without_its_value() {
    let result = workspace().run("secrets explain polygon-api-key --profile production --directory secrets");
    assert_eq!(result.exit_code, 0, "{result:?}");
    for expected in
        ["secrets/polygon_api_key", "100 days", "POLYGON_API_KEY or POLYGON_API_KEY_FILE", "secure"]
    {
        assert!(result.stdout.contains(expected), "{expected}: {}", result.stdout);
    }
    let json = workspace()
        .run("secrets explain polygon_api_key --profile production --directory secrets --json")
        .json();
    assert_eq!(json["schema"], "investiq.secrets.explain.v1");
    assert_eq!((&json["secret"]["age_days"], &json["secret"]["is_overdue"]), (&100.into(), &true.into()));
}

#[test]
fn a_shadowing_value_is_named() {
    let workspace = workspace().set("POLYGON_API_KEY", "another-9Qm3Xc6Vb9Nn2Ll5Kk7");
    let result = workspace.run("secrets explain polygon_api_key --profile production --directory secrets");
    assert!(result.stdout.contains("environment variable POLYGON_API_KEY (weak)"), "{result:?}");
    assert!(result.stdout.contains("another value in file secrets/polygon_api_key"), "{result:?}");
}

#[test]
fn an_invalid_secret_is_explained_with_its_error() {
    let workspace = Workspace::new();
    workspace.write_secret("polygon_api_key", "two\nlines", 0o444);
    let result = workspace.run("secrets explain polygon_api_key --profile production --directory secrets");
    assert!(result.stdout.contains("more than one line"), "{result:?}");
    assert_eq!(workspace.run("secrets explain no_such_secret").exit_code, 1);
}

#[test]
fn a_secret_is_named_by_its_file_its_variables_or_its_id_in_aws() {
    for (name, expected) in [
        ("POLYGON_API_KEY", "polygon_api_key"),
        ("POLYGON_API_KEY_FILE", "polygon_api_key"),
        ("secrets/polygon_api_key", "polygon_api_key"),
        ("prod/rail/polygon-api-key", "polygon_api_key"),
        ("alpaca_secret_key", "alpaca_api_secret"),
        ("APCA_API_KEY_ID", "alpaca_api_key"),
    ] {
        let result = workspace()
            .run(&format!("secrets explain {name} --profile production --directory secrets --json"));
        assert_eq!((result.exit_code, &result.json()["secret"]["name"]), (0, &expected.into()), "{name}");
    }
}

#[test]
fn the_report_has_source_age_and_due_date() {
    let result = workspace().run("secrets report --profile production --directory secrets --json");
    let json = result.json();
    let of = |name: &str| {
        json["secrets"].as_array().unwrap().iter().find(|line| line["name"] == name).unwrap().clone()
    };
    assert_eq!(of("polygon_api_key")["is_overdue"], true);
    assert_eq!(of("alpaca_api_key")["age_days"], serde_json::Value::Null, "a variable has no age");
    assert_eq!(of("audit_key")["source"], serde_json::Value::Null);
    let table = workspace().run("secrets report --profile production --directory secrets").stdout;
    let line = table.lines().find(|line| line.starts_with("polygon_api_key")).unwrap();
    assert!(line.contains("overdue") && line.contains("100"), "{line}");
}

#[test]
fn the_calendar_is_well_formed() {
    let result = workspace().run("secrets report --profile production --directory secrets --ics");
    assert!(result.stdout.lines().all(|line| line.len() <= 75), "{}", result.stdout);
    assert!(
        result.stdout.split_inclusive('\n').all(|line| line.ends_with("\r\n")),
        "lines end as in RFC 5545"
    );
    // Every line is a name and a value, and components are nested.
    let mut open = Vec::new();
    let unfolded = result.stdout.replace("\r\n ", "");
    for line in unfolded.lines() {
        let (name, value) = line.split_once(':').unwrap_or_else(|| panic!("{line}"));
        match name {
            "BEGIN" => open.push(value.to_owned()),
            "END" => assert_eq!(open.pop().as_deref(), Some(value)),
            _ => assert!(!open.is_empty(), "{line}"),
        }
    }
    assert!(open.is_empty());
    let events: Vec<&str> = unfolded.lines().filter(|line| line.starts_with("UID:")).collect();
    assert_eq!(events, ["UID:rotate-polygon_api_key@investiq"], "a secret without an age has no due date");
    assert_eq!(workspace().run("secrets report --ics --json").exit_code, 1);
}
