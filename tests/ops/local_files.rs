//! Secret files: generated once, set from input, written atomically.

use std::collections::BTreeMap;
use std::path::Path;

use crate::command::{CANARY, Workspace, mode, set_mode};

fn contents(directory: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    let read = |file: std::fs::DirEntry| {
        (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap())
    };
    files.map(read).collect()
}

#[test]
fn our_secrets_are_generated_once() {
    let workspace = Workspace::new();
    let first = workspace.run("secrets init --json");
    assert_eq!(first.exit_code, 0, "{first:?}");
    let created = contents(&workspace.path("secrets"));
    assert!(
        created.len() >= 10 && created.contains_key("jwt_secret") && created.contains_key("api_keys"),
        "{created:?}"
    );
    assert!(!created.contains_key("polygon_api_key"), "a vendor issues that one");
    assert_eq!(mode(&workspace.path("secrets")), 0o700);
    for name in created.keys() {
        assert_eq!(mode(&workspace.path("secrets").join(name)), 0o444, "{name}");
    }
    for value in created.values() {
        assert!(!first.stdout.contains(value) && !first.stderr.contains(value));
    }
    assert_eq!(workspace.run("secrets init").exit_code, 0);
    assert_eq!(contents(&workspace.path("secrets")), created, "the second run changes nothing");
    // The generated files satisfy the checks for production.
    let check = workspace.run("secrets check --profile production --directory secrets --json");
    assert_eq!((check.exit_code, check.errors()), (0, Vec::new()), "{check:?}");
}

#[test]
fn only_named_secrets_are_replaced() {
    let workspace = Workspace::new();
    workspace.run("secrets init");
    let before = contents(&workspace.path("secrets"));
    let replaced = workspace.run("secrets init --replace jwt-secret");
    assert!(replaced.stdout.contains("replaced  jwt_secret"), "{replaced:?}");
    let after = contents(&workspace.path("secrets"));
    let changed: Vec<&String> = before.keys().filter(|name| before[*name] != after[*name]).collect();
    assert_eq!(changed, ["jwt_secret"]);
    assert_eq!(
        workspace.run("secrets init --replace polygon_api_key").exit_code,
        1,
        "a vendor issues that one"
    );
    assert_eq!(workspace.run("secrets init --replace no_such_secret").exit_code, 1);
}

#[test]
fn a_dry_run_prints_the_same_and_changes_nothing() {
    let workspace = Workspace::new();
    let dry_run = workspace.run("secrets init --dry-run");
    assert!(!workspace.path("secrets").exists());
    assert_eq!(dry_run.stdout, workspace.run("secrets init").stdout);
}

#[test]
fn a_directory_with_a_wrong_mode_is_fixed() {
    let workspace = Workspace::new();
    workspace.write_secret("polygon_api_key", CANARY, 0o444);
    set_mode(&workspace.path("secrets"), 0o755);
    assert_eq!(workspace.run("secrets init").exit_code, 0);
    assert_eq!(mode(&workspace.path("secrets")), 0o700);
    assert_eq!(contents(&workspace.path("secrets"))["polygon_api_key"], CANARY);
}

#[test]
fn a_value_is_validated_and_written_without_its_line_end() {
    let workspace = Workspace::new();
    let set = workspace.run_with_input("secrets set polygon-api-key --stdin", &format!("{CANARY}\r\n"));
    assert_eq!(set.exit_code, 0, "{set:?}");
    assert_eq!(contents(&workspace.path("secrets"))["polygon_api_key"], CANARY);
    let second =
        workspace.run_with_input("secrets set polygon-api-key --stdin", "another-9Qm3Xc6Vb9Nn2Ll5Kk7");
    assert_eq!(second.exit_code, 2, "{second:?}");
    std::fs::write(workspace.path("value"), "another-9Qm3Xc6Vb9Nn2Ll5Kk7").unwrap();
    let replaced = workspace.run("secrets set polygon-api-key --from-file value --replace");
    assert_eq!(replaced.exit_code, 0, "{replaced:?}");
    assert_eq!(contents(&workspace.path("secrets"))["polygon_api_key"], "another-9Qm3Xc6Vb9Nn2Ll5Kk7");
}

#[test]
fn invalid_values_are_not_written() {
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
        let workspace = Workspace::new();
        let rejected = workspace.run_with_input(&format!("secrets set {name} --stdin"), value);
        assert_eq!(rejected.exit_code, 2, "{name} {value:?}: {rejected:?}");
        assert!(!workspace.path("secrets").exists(), "{name} {value:?}");
    }
}

#[test]
fn values_are_neither_prompted_for_without_a_terminal_nor_arguments() {
    let workspace = Workspace::new();
    assert_eq!(workspace.run("secrets set polygon_api_key").exit_code, 2);
    assert_eq!(workspace.run(&format!("secrets set polygon_api_key {CANARY}")).exit_code, 1);
}

#[test]
fn a_file_with_another_of_its_names_is_kept_or_replaced_and_never_doubled() {
    let workspace = Workspace::new();
    workspace.write_secret("jwt_secret.txt", "kept", 0o444);
    workspace.write_secret("alpaca_secret_key.txt", "first", 0o444);
    assert_eq!(workspace.run("secrets init").exit_code, 0);
    let set = "secrets set alpaca_api_secret --stdin";
    assert_eq!(workspace.run_with_input(set, CANARY).exit_code, 2, "it exists");
    assert_eq!(workspace.run_with_input(&format!("{set} --replace"), CANARY).exit_code, 0);
    let files = contents(&workspace.path("secrets"));
    assert!(!files.contains_key("jwt_secret") && !files.contains_key("alpaca_api_secret"), "{files:?}");
    assert_eq!((files["jwt_secret.txt"].as_str(), files["alpaca_secret_key.txt"].as_str()), ("kept", CANARY));
    workspace.write_secret("jwt_secret", "second", 0o444);
    for command in ["secrets init", "secrets init --dry-run", "secrets init --replace jwt_secret"] {
        let refused = workspace.run(command);
        let paths = "secrets/jwt_secret, secrets/jwt_secret.txt";
        assert!(refused.exit_code == 2 && refused.stderr.contains(paths), "{command}: {refused:?}");
    }
}
