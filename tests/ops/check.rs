//! Each fault that is planted is found, by its rule and its secret; a clean place passes.

use crate::command::{CANARY, Place, Ran, set_mode};

const STRONG: &str = "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=";
const OTHER: &str = "Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2FycGx5";

/// A place with everything that production asks for.
fn clean() -> Place {
    let place = Place::new();
    assert_eq!(place.run("secrets init").code, 0);
    place
}

fn check(place: &Place) -> Ran {
    place.run("secrets check --profile production --directory secrets --json")
}

fn finds(place: &Place, expected: &str) {
    let ran = check(place);
    assert_eq!(ran.code, 3, "{expected}: {ran:?}");
    assert_eq!(ran.errors(), [expected], "{ran:?}");
}

#[test]
fn each_planted_value_is_found_alone() {
    for (name, value, rule) in [
        ("polygon_api_key", "changeme", "placeholder"),
        ("polygon_api_key", "your-polygon-key", "placeholder"),
        ("alpaca_api_key", "AKIAIOSFODNN7EXAMPLE", "example"),
        ("alpaca_api_secret", "aaaaaaaaaaaaaaaaaaaaaaaa", "repeated"),
        ("resend_api_key", "abcdefghijklmnopqrst", "sequential"),
        ("live_trading_key", "tooweak", "weak"),
        ("jwt_secret", "c2hvcnQ=", "form"),
        ("polygon_api_key", "", "form"),
    ] {
        let place = clean();
        drop(std::fs::remove_file(place.path("secrets").join(name)));
        place.plant(name, value, 0o444);
        finds(&place, &format!("{rule} {name}"));
    }
}

#[test]
fn a_value_under_two_names_is_found() {
    let place = clean();
    place.plant("polygon_api_key", CANARY, 0o444);
    place.plant("finnhub_api_key", CANARY, 0o444);
    finds(&place, "reused polygon_api_key");
}

#[test]
fn a_missing_secret_is_found() {
    let place = clean();
    std::fs::remove_file(place.path("secrets").join("api_keys")).unwrap();
    finds(&place, "missing api_keys");
}

#[test]
fn modes_that_let_others_in_are_found() {
    let place = clean();
    set_mode(&place.path("secrets").join("jwt_secret"), 0o666);
    finds(&place, "form jwt_secret");
    let place = clean();
    set_mode(&place.path("secrets"), 0o755);
    let ran = check(&place);
    assert!(ran.errors().contains(&"form jwt_secret".to_owned()), "readable by everyone: {ran:?}");
}

#[test]
fn a_secret_that_is_too_old_is_found_and_an_encryption_key_is_only_told_of() {
    let place = clean();
    place.age("jwt_secret", 1000);
    place.age("encryption_key", 1000);
    finds(&place, "overdue jwt_secret");
    let strict = place.run("secrets check --profile production --directory secrets --json --strict");
    assert!(strict.out.contains("encryption_key"), "{strict:?}");
}

#[test]
fn the_environment_is_found_and_so_is_a_value_that_hides_another() {
    let place = clean().set("POLYGON_API_KEY", CANARY);
    finds(&place, "environment polygon_api_key");
    place.plant("polygon_api_key", OTHER, 0o444);
    let mut errors = check(&place).errors();
    errors.sort();
    assert_eq!(errors, ["drift polygon_api_key", "environment polygon_api_key"]);
}

#[test]
fn both_forms_of_a_variable_are_found() {
    let place = clean().set("POLYGON_API_KEY", CANARY).set("POLYGON_API_KEY_FILE", "/nowhere");
    finds(&place, "ambiguous polygon_api_key");
}

#[test]
fn the_same_value_in_two_places_is_a_warning_that_strictness_fails_on() {
    let place = clean();
    place.plant("polygon_api_key", CANARY, 0o444);
    let pointer = place.path("elsewhere");
    std::fs::create_dir(&pointer).unwrap();
    set_mode(&pointer, 0o700);
    std::fs::write(pointer.join("key"), CANARY).unwrap();
    set_mode(&pointer.join("key"), 0o400);
    let path = pointer.join("key").to_string_lossy().into_owned();
    let place = place.set("POLYGON_API_KEY_FILE", &path);
    let ran = check(&place);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("\"shadowed\""), "{ran:?}");
    assert_eq!(place.run("secrets check --profile production --directory secrets --strict").code, 3);
}

#[test]
fn an_emulator_and_a_static_key_of_aws_are_found() {
    let place = clean().set("AWS_ENDPOINT_URL", "http://127.0.0.1:1").set("AWS_SECRET_ACCESS_KEY", CANARY);
    let mut errors = check(&place).errors();
    errors.sort();
    assert_eq!(errors, ["endpoint_override AWS_ENDPOINT_URL", "static_aws_key AWS_SECRET_ACCESS_KEY"]);
}

#[test]
fn an_unacceptable_api_key_is_found_by_its_position() {
    let place = clean();
    std::fs::remove_file(place.path("secrets").join("api_keys")).unwrap();
    place.plant("api_keys", &format!("{STRONG},hunter2"), 0o444);
    let ran = check(&place);
    assert_eq!((ran.code, ran.errors()), (3, vec!["api_keys api_keys".to_owned()]), "{ran:?}");
    assert!(ran.out.contains("key 2"), "{ran:?}");
}

#[test]
fn development_says_what_production_refuses() {
    let place = clean();
    place.plant("polygon_api_key", "changeme", 0o444);
    let ran = place.run("secrets check --profile development --directory secrets --json");
    assert_eq!((ran.code, ran.errors()), (0, Vec::new()), "{ran:?}");
    assert!(ran.out.contains("placeholder"), "{ran:?}");
}

#[test]
fn a_young_secret_is_not_overdue() {
    let place = clean();
    place.age("jwt_secret", 89);
    assert_eq!(check(&place).errors(), Vec::<String>::new());
    // Counted from the age that it has by now.
    place.age("jwt_secret", 2);
    finds(&place, "overdue jwt_secret");
}
