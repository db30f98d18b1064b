//! Where a secret comes from, how old it is, and when it is due: as a table, JSON and a calendar.

use crate::command::{CANARY, Place};

/// One secret that was made a hundred days ago, and one in the environment.
fn place() -> Place {
    let place = Place::new().set("FINNHUB_API_KEY", "Kq7-vendor-made-0w7dHk3mZq9xT1bR");
    place.plant("polygon_api_key", CANARY, 0o444);
    place.age("polygon_api_key", 100);
    place
}

#[test]
fn a_secret_is_explained_without_its_value() {
    let ran = place().run("secrets explain polygon-api-key --profile production --directory secrets");
    assert_eq!(ran.code, 0, "{ran:?}");
    for expected in
        ["secrets/polygon_api_key", "100 days", "POLYGON_API_KEY or POLYGON_API_KEY_FILE", "secure"]
    {
        assert!(ran.out.contains(expected), "{expected}: {}", ran.out);
    }
    let json =
        place().run("secrets explain polygon_api_key --profile production --directory secrets --json").json();
    assert_eq!(json["schema"], "investiq.secrets.explain.v1");
    assert_eq!((&json["secret"]["age_days"], &json["secret"]["is_overdue"]), (&100.into(), &true.into()));
}

#[test]
fn what_hides_another_value_is_named() {
    let place = place().set("POLYGON_API_KEY", "another-9Qm3Xc6Vb9Nn2Ll5Kk7");
    let ran = place.run("secrets explain polygon_api_key --profile production --directory secrets");
    assert!(ran.out.contains("environment variable POLYGON_API_KEY (weak)"), "{ran:?}");
    assert!(ran.out.contains("another value in file secrets/polygon_api_key"), "{ran:?}");
}

#[test]
fn a_broken_secret_is_explained_by_what_is_wrong() {
    let place = Place::new();
    place.plant("polygon_api_key", "two\nlines", 0o444);
    let ran = place.run("secrets explain polygon_api_key --profile production --directory secrets");
    assert!(ran.out.contains("more than one line"), "{ran:?}");
    assert_eq!(place.run("secrets explain no_such_secret").code, 1);
}

#[test]
fn the_report_tells_standing_age_and_due_date() {
    let ran = place().run("secrets report --profile production --directory secrets --json");
    let json = ran.json();
    let of = |name: &str| {
        json["secrets"].as_array().unwrap().iter().find(|line| line["name"] == name).unwrap().clone()
    };
    assert_eq!(of("polygon_api_key")["is_overdue"], true);
    assert_eq!(of("finnhub_api_key")["age_days"], serde_json::Value::Null, "a variable has no age");
    assert_eq!(of("jwt_secret")["source"], serde_json::Value::Null);
    let table = place().run("secrets report --profile production --directory secrets").out;
    let line = table.lines().find(|line| line.starts_with("polygon_api_key")).unwrap();
    assert!(line.contains("overdue") && line.contains("100"), "{line}");
}

#[test]
fn the_calendar_reads_back() {
    let ran = place().run("secrets report --profile production --directory secrets --ics");
    assert!(ran.out.lines().all(|line| line.len() <= 75), "{}", ran.out);
    assert!(ran.out.split_inclusive('\n').all(|line| line.ends_with("\r\n")), "lines end as RFC 5545 says");
    // Every line is a name and a value, and what begins ends in order.
    let mut open = Vec::new();
    let unfolded = ran.out.replace("\r\n ", "");
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
    assert_eq!(events, ["UID:rotate-polygon_api_key@investiq"], "what has no age has no day");
    assert_eq!(place().run("secrets report --ics --json").code, 1);
}
