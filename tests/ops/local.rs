//! Files of one's own: made once, kept, set from what is typed, never half written.

use std::collections::BTreeMap;
use std::path::Path;

use crate::command::{CANARY, Place, mode, set_mode};

fn contents(directory: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    let read = |file: std::fs::DirEntry| {
        (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap())
    };
    files.map(read).collect()
}

#[test]
fn what_we_make_is_made_once_and_kept() {
    let place = Place::new();
    let first = place.run("secrets init --json");
    assert_eq!(first.code, 0, "{first:?}");
    let made = contents(&place.path("secrets"));
    assert!(made.len() >= 10 && made.contains_key("jwt_secret") && made.contains_key("api_keys"), "{made:?}");
    assert!(!made.contains_key("polygon_api_key"), "a vendor makes that one");
    assert_eq!(mode(&place.path("secrets")), 0o700);
    for name in made.keys() {
        assert_eq!(mode(&place.path("secrets").join(name)), 0o444, "{name}");
    }
    for value in made.values() {
        assert!(!first.out.contains(value) && !first.err.contains(value));
    }
    assert_eq!(place.run("secrets init").code, 0);
    assert_eq!(contents(&place.path("secrets")), made, "the second run changes nothing");
    // What was made is what the server asks of production.
    let check = place.run("secrets check --profile production --directory secrets --json");
    assert_eq!((check.code, check.errors()), (0, Vec::new()), "{check:?}");
}

#[test]
fn only_what_is_named_is_made_anew() {
    let place = Place::new();
    place.run("secrets init");
    let before = contents(&place.path("secrets"));
    let replaced = place.run("secrets init --replace jwt-secret");
    assert!(replaced.out.contains("replaced  jwt_secret"), "{replaced:?}");
    let after = contents(&place.path("secrets"));
    let changed: Vec<&String> = before.keys().filter(|name| before[*name] != after[*name]).collect();
    assert_eq!(changed, ["jwt_secret"]);
    assert_eq!(place.run("secrets init --replace polygon_api_key").code, 1, "others make that one");
    assert_eq!(place.run("secrets init --replace no_such_secret").code, 1);
}

#[test]
fn a_dry_run_says_the_same_and_does_nothing() {
    let place = Place::new();
    let foreseen = place.run("secrets init --dry-run");
    assert!(!place.path("secrets").exists());
    assert_eq!(foreseen.out, place.run("secrets init").out);
}

#[test]
fn a_directory_that_others_can_enter_is_closed() {
    let place = Place::new();
    place.plant("polygon_api_key", CANARY, 0o444);
    set_mode(&place.path("secrets"), 0o755);
    assert_eq!(place.run("secrets init").code, 0);
    assert_eq!(mode(&place.path("secrets")), 0o700);
    assert_eq!(contents(&place.path("secrets"))["polygon_api_key"], CANARY);
}

#[test]
fn a_value_is_read_judged_and_written_without_its_line_end() {
    let place = Place::new();
    let set = place.run_with("secrets set polygon-api-key --stdin", &format!("{CANARY}\r\n"));
    assert_eq!(set.code, 0, "{set:?}");
    assert_eq!(contents(&place.path("secrets"))["polygon_api_key"], CANARY);
    let again = place.run_with("secrets set polygon-api-key --stdin", "another-9Qm3Xc6Vb9Nn2Ll5Kk7");
    assert_eq!(again.code, 2, "{again:?}");
    std::fs::write(place.path("value"), "another-9Qm3Xc6Vb9Nn2Ll5Kk7").unwrap();
    let replaced = place.run("secrets set polygon-api-key --from-file value --replace");
    assert_eq!(replaced.code, 0, "{replaced:?}");
    assert_eq!(contents(&place.path("secrets"))["polygon_api_key"], "another-9Qm3Xc6Vb9Nn2Ll5Kk7");
}

#[test]
fn what_the_server_would_refuse_is_not_written() {
    for (name, value) in [
        ("polygon_api_key", "changeme"),
        ("polygon_api_key", ""),
        ("polygon_api_key", "two\nlines"),
        ("polygon_api_key", " blank"),
        ("jwt_secret", "c2hvcnQ="),
        ("jwt_secret", "not base64"),
        ("api_keys", "hunter2"),
        ("bridge_webhook_secret", "no PEM"),
    ] {
        let place = Place::new();
        let refused = place.run_with(&format!("secrets set {name} --stdin"), value);
        assert_eq!(refused.code, 2, "{name} {value:?}: {refused:?}");
        assert!(!place.path("secrets").exists(), "{name} {value:?}");
    }
}

#[test]
fn without_a_terminal_there_is_no_prompt_and_no_value_is_an_argument() {
    let place = Place::new();
    assert_eq!(place.run("secrets set polygon_api_key").code, 2);
    assert_eq!(place.run(&format!("secrets set polygon_api_key {CANARY}")).code, 1);
}
