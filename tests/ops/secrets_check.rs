//! `secrets check` finds each defect by its rule and its secret; a clean workspace passes.

use crate::command::{CANARY, CommandResult, Workspace, set_mode};

const STRONG: &str = "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=";
const OTHER: &str = "Zm9vYmFyYmF6cXV4cXV1eGNvcmdlZ3JhdWx0Z2FycGx5";

/// A workspace with everything that production requires.
fn clean() -> Workspace {
    let workspace = Workspace::new();
    assert_eq!(workspace.run("secrets init").exit_code, 0);
    workspace
}

fn check(workspace: &Workspace) -> CommandResult {
    workspace.run("secrets check --profile production --directory secrets --json")
}

/// Only a strict check fails.
fn assert_warning(workspace: &Workspace, expected: &str) {
    let result = check(workspace);
    assert_eq!((result.exit_code, result.errors()), (0, Vec::new()), "{expected}: {result:?}");
    assert!(result.warnings().contains(&expected.to_owned()), "{expected}: {result:?}");
    let strict = workspace.run("secrets check --profile production --directory secrets --strict");
    assert_eq!(strict.exit_code, 3, "{strict:?}");
}

fn assert_only_error(workspace: &Workspace, expected: &str) {
    let result = check(workspace);
    assert_eq!(result.exit_code, 3, "{expected}: {result:?}");
    assert_eq!(result.errors(), [expected], "{result:?}");
}

#[test]
fn each_invalid_value_is_found_alone() {
    for (name, value, rule) in [
        ("polygon_api_key", "changeme", "placeholder"),
        ("polygon_api_key", "your-polygon-key", "placeholder"),
        ("alpaca_api_key", "AKIAIOSFODNN7EXAMPLE", "example"),
        ("alpaca_api_secret", "aaaaaaaaaaaaaaaaaaaaaaaa", "repeated"),
        ("circle_api_key", "abcdefghijklmnopqrst", "sequential"),
        ("audit_key", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=", "weak"),
        ("audit_key", "c2hvcnQ=", "invalid"),
        ("alpaca_webhook_secret", "short", "invalid"),
        ("polygon_api_key", "", "invalid"),
    ] {
        let workspace = clean();
        drop(std::fs::remove_file(workspace.path("secrets").join(name)));
        workspace.write_secret(name, value, 0o444);
        assert_only_error(&workspace, &format!("{rule} {name}"));
    }
}

#[test]
fn a_value_under_two_names_is_found() {
    let workspace = clean();
    workspace.write_secret("polygon_api_key", CANARY, 0o444);
    workspace.write_secret("circle_api_key", CANARY, 0o444);
    assert_only_error(&workspace, "reused polygon_api_key");
}

#[test]
fn a_missing_secret_is_found() {
    let workspace = clean();
    std::fs::remove_file(workspace.path("secrets").join("api_keys")).unwrap();
    assert_only_error(&workspace, "missing api_keys");
}

#[test]
fn a_file_that_no_secret_is_named_after_and_a_second_file_are_found() {
    let workspace = clean();
    workspace.write_secret("polygon_api_key.text", CANARY, 0o444);
    assert_only_error(&workspace, "misplaced secrets");
    let development = workspace.run("secrets check --profile development --directory secrets --json");
    assert_eq!(development.exit_code, 0, "{development:?}");
    assert!(development.stdout.contains("rename it to polygon_api_key"), "{development:?}");
    let workspace = clean();
    workspace.write_secret("api_keys.txt", CANARY, 0o444);
    assert_only_error(&workspace, "ambiguous api_keys");
    let missing = workspace.run("secrets check --profile production --directory secret --json");
    assert!(missing.errors().contains(&"misplaced secrets".to_owned()), "{missing:?}");
}

#[test]
fn modes_that_give_others_access_are_found() {
    let workspace = clean();
    set_mode(&workspace.path("secrets").join("audit_key"), 0o666);
    assert_only_error(&workspace, "invalid audit_key");
    let workspace = clean();
    set_mode(&workspace.path("secrets"), 0o755);
    let result = check(&workspace);
    assert!(result.errors().contains(&"invalid audit_key".to_owned()), "readable by everyone: {result:?}");
}

#[test]
fn values_in_the_environment_and_shadowed_values_are_found() {
    let workspace = clean().set("POLYGON_API_KEY", CANARY);
    assert_warning(&workspace, "environment polygon_api_key");
    workspace.write_secret("polygon_api_key", OTHER, 0o444);
    assert_warning(&workspace, "drift polygon_api_key");
}

#[test]
fn both_forms_of_a_variable_are_found() {
    let workspace = clean().set("POLYGON_API_KEY", CANARY).set("POLYGON_API_KEY_FILE", "/nowhere");
    assert_only_error(&workspace, "ambiguous polygon_api_key");
}

#[test]
fn the_same_value_in_two_sources_is_a_warning() {
    let workspace = clean();
    workspace.write_secret("polygon_api_key", CANARY, 0o444);
    let elsewhere = workspace.path("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    set_mode(&elsewhere, 0o700);
    std::fs::write(elsewhere.join("key"), CANARY).unwrap();
    set_mode(&elsewhere.join("key"), 0o400);
    let path = elsewhere.join("key").to_string_lossy().into_owned();
    let workspace = workspace.set("POLYGON_API_KEY_FILE", &path);
    let result = check(&workspace);
    assert_eq!(result.exit_code, 0, "{result:?}");
    assert!(result.stdout.contains("\"shadowed\""), "{result:?}");
    assert_eq!(workspace.run("secrets check --profile production --directory secrets --strict").exit_code, 3);
}

#[test]
fn an_emulator_and_a_static_aws_key_are_found() {
    let workspace =
        clean().set("AWS_ENDPOINT_URL", "http://127.0.0.1:1").set("AWS_SECRET_ACCESS_KEY", CANARY);
    assert_warning(&workspace, "endpoint_override AWS_ENDPOINT_URL");
    assert_warning(&workspace, "static_aws_key AWS_SECRET_ACCESS_KEY");
}

#[test]
fn an_invalid_api_key_is_found_with_its_position() {
    let workspace = clean();
    std::fs::remove_file(workspace.path("secrets").join("api_keys")).unwrap();
    workspace.write_secret("api_keys", &format!("{STRONG},hunter2"), 0o444);
    let result = check(&workspace);
    assert_eq!((result.exit_code, result.errors()), (3, vec!["api_keys api_keys".to_owned()]), "{result:?}");
    assert!(result.stdout.contains("key 2"), "{result:?}");
}

#[test]
fn development_warns_about_what_production_rejects() {
    let workspace = clean();
    workspace.write_secret("polygon_api_key", "changeme", 0o444);
    let result = workspace.run("secrets check --profile development --directory secrets --json");
    assert_eq!((result.exit_code, result.errors()), (0, Vec::new()), "{result:?}");
    assert!(result.stdout.contains("placeholder"), "{result:?}");
}

#[test]
fn a_secret_is_overdue_after_90_days() {
    let workspace = clean();
    workspace.backdate("audit_key", 89);
    assert!(!check(&workspace).warnings().contains(&"overdue audit_key".to_owned()));
    // In addition to the 89 days.
    workspace.backdate("audit_key", 2);
    assert_warning(&workspace, "overdue audit_key");
}
