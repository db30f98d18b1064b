//! Secret files: generated once, set from input, written atomically.

use std::collections::BTreeMap;
use std::path::Path;

use crate::command::{CANARY, Workspace, mode, set_mode};

/// The secret files of a directory; other files have names that begin with a dot.
fn contents(directory: &Path) -> BTreeMap<String, String> {
    let files = std::fs::read_dir(directory).unwrap().map(Result::unwrap);
    let read = |file: std::fs::DirEntry| {
        (file.file_name().into_string().unwrap(), std::fs::read_to_string(file.path()).unwrap())
    };
    files.map(read).filter(|(name, _)| !name.starts_with('.')).collect()
}

#[test]
fn our_secrets_are_generated_once() {
    let workspace = Workspace::new();
    let first = workspace.run("secrets init --json");
    assert_eq!(first.exit_code, 0, "{first:?}");
    let created = contents(&workspace.path("secrets"));
    assert_eq!(created.keys().collect::<Vec<_>>(), ["alpaca_webhook_secret", "api_keys", "audit_key"]);
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
    let replaced = workspace.run("secrets init --replace alpaca-webhook-secret");
    assert!(replaced.stdout.contains("replaced  alpaca_webhook_secret"), "{replaced:?}");
    let after = contents(&workspace.path("secrets"));
    let changed: Vec<&String> = before.keys().filter(|name| before[*name] != after[*name]).collect();
    assert_eq!(changed, ["alpaca_webhook_secret"]);
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
        ("audit_key", "c2hvcnQ="),
        ("audit_key", "not base64"),
        ("alpaca_webhook_secret", "short"),
        ("api_keys", "hunter2"),
        ("bridge_webhook_secret", "no PEM"),
        ("database_url", "postgresql+asyncpg://u:p@db/app"),
        ("database_url", "postgres://u@db:1:2/app"),
        ("polygon_api_key", "$POLYGON_API_KEY"),
    ] {
        let workspace = Workspace::new();
        let rejected = workspace.run_with_input(&format!("secrets set {name} --stdin"), value);
        assert_eq!(rejected.exit_code, 2, "{name} {value:?}: {rejected:?}");
        assert!(!workspace.path("secrets").exists(), "{name} {value:?}");
    }
}

#[test]
fn values_are_neither_prompted_for_without_a_terminal_nor_arguments_and_are_not_echoed() {
    let workspace = Workspace::new();
    assert_eq!(workspace.run("secrets set polygon_api_key").exit_code, 2);
    for arguments in
        ["secrets set polygon_api_key", "secrets set", "secrets rotate polygon_api_key", "secrets explain"]
    {
        let result = workspace.run(&format!("{arguments} {CANARY}"));
        assert_eq!(result.exit_code, 1, "{result:?}");
        assert!(!format!("{result:?}").contains(CANARY), "{result:?}");
    }
    let hint = workspace.run(&format!("secrets set polygon_api_key {CANARY}")).stderr;
    assert!(hint.contains("--stdin") && hint.contains("--from-file"), "{hint}");
    assert!(workspace.run("secrets list --nonsense").stderr.contains("--nonsense"), "an option is shown");
}

#[test]
fn a_replaced_value_is_kept_beside_the_new_one_until_it_is_retired() {
    let workspace = Workspace::new();
    workspace.write_secret("polygon_api_key", CANARY, 0o400);
    let values = ["another-9Qm3Xc6Vb9Nn2Ll5Kk7", "a-third-Jp4wRk7nXt9vMq1zGc6y"];
    for value in values {
        let replaced = workspace.run_with_input("secrets set polygon_api_key --stdin --replace", value);
        assert_eq!(replaced.exit_code, 0, "{replaced:?}");
        assert!(replaced.stderr.contains("secrets retire polygon_api_key --unused"), "{replaced:?}");
    }
    let kept = |number| workspace.path(&format!("secrets/.polygon_api_key.old-{number}"));
    assert_eq!((std::fs::read_to_string(kept(1)).unwrap().as_str(), mode(&kept(1))), (CANARY, 0o400));
    assert_eq!(std::fs::read_to_string(kept(2)).unwrap(), values[0]);
    // No lookup reads them.
    let explained = workspace.run("secrets explain polygon_api_key --profile production --directory secrets");
    assert!(explained.stdout.contains("file secrets/polygon_api_key (secure)"), "{explained:?}");
    assert_eq!(workspace.run("secrets retire polygon_api_key").exit_code, 1, "--unused is required");
    assert_eq!(workspace.run("secrets retire polygon_api_key --unused").exit_code, 0);
    assert!(!kept(1).exists() && !kept(2).exists());
    assert_eq!(contents(&workspace.path("secrets"))["polygon_api_key"], values[1]);
    assert_eq!(workspace.run("secrets retire polygon_api_key --unused").exit_code, 2, "there is none");
}

#[test]
fn a_new_audit_key_keeps_the_older_ones_or_is_refused() {
    let workspace = Workspace::new();
    workspace.run("secrets init");
    let keys = || std::fs::read_to_string(workspace.path("secrets/audit_key")).unwrap();
    let first = keys();
    assert_eq!(workspace.run("secrets init --replace audit_key").exit_code, 0);
    let second = keys();
    assert!(second.ends_with(&format!("\n{first}")) && second.lines().count() == 2, "newest first");
    let given = "u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE=";
    let set = workspace.run_with_input("secrets set audit_key --stdin --replace", given);
    assert_eq!((set.exit_code, keys()), (0, format!("{given}\n{second}")), "{set:?}");
    // What cannot be read cannot be kept in the value.
    set_mode(&workspace.path("secrets/audit_key"), 0o600);
    std::fs::write(workspace.path("secrets/audit_key"), "not a key").unwrap();
    let refused = workspace.run("secrets init --replace audit_key");
    assert_eq!(refused.exit_code, 2, "{refused:?}");
    assert!(refused.stderr.contains("its keys are still needed"), "{refused:?}");
    assert_eq!(keys(), "not a key");
}

#[test]
fn no_key_that_is_needed_is_lost() {
    let workspace = Workspace::new();
    workspace.run("secrets init");
    let (path, kept) = (workspace.path("secrets/audit_key"), workspace.path("secrets/.audit_key.old-1"));
    let first = std::fs::read_to_string(&path).unwrap();
    workspace.run("secrets init --replace audit_key");
    for (current, retires) in [
        (None, false),
        (Some("u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQWE="), false),
        (Some(first.as_str()), true),
    ] {
        std::fs::remove_file(&path).unwrap_or_default();
        current.inspect(|text| std::fs::write(&path, text).unwrap());
        let retired = workspace.run("secrets retire audit_key --unused");
        assert_eq!((retired.exit_code == 0, kept.exists()), (retires, !retires), "{retired:?}");
    }
    // Of commands at the same time: what one of them reports as stored stays.
    let key =
        |number: u8| format!("u5fJ0w7dHk3mZq9xT1bRaaa2vN8cLyPe4sGo6iXhQW{}=", char::from(b'A' + 4 * number));
    let set = |number| {
        let set = workspace.run_with_input("secrets set audit_key --stdin --replace", &key(number));
        (set.exit_code == 0).then(|| key(number))
    };
    let stored: Vec<String> = std::thread::scope(|scope| {
        let commands: Vec<_> = (0..6).map(|number| scope.spawn(move || set(number))).collect();
        commands.into_iter().filter_map(|command| command.join().unwrap()).collect()
    });
    let value = std::fs::read_to_string(&path).unwrap();
    assert!(!stored.is_empty() && stored.iter().all(|key| value.contains(key)), "{stored:?}: {value}");
}

#[test]
fn secrets_are_not_written_where_git_would_commit_them() {
    let workspace = Workspace::new();
    let git = |arguments: &[&str]| {
        let output =
            std::process::Command::new("git").args(arguments).current_dir(workspace.path("")).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    git(&["init", "--quiet", "tree"]);
    let in_tree = |arguments: &str| {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let output = workspace.command(&arguments).current_dir(workspace.path("tree")).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    // Directories that the commands create ignore themselves.
    for command in ["secrets init", "webhooks keygen"] {
        assert_eq!(in_tree(command).0, 0, "{command}");
    }
    assert_eq!(git(&["-C", "tree", "status", "--porcelain", "--untracked-files=all"]), "");
    for command in ["secrets init --directory .", "webhooks keygen --keys .", "keys generate --output key"] {
        let (code, stderr) = in_tree(command);
        assert!(code == 2 && stderr.contains("would be committed"), "{command}: {stderr}");
    }
    // Rules for some names do not cover the others.
    std::fs::create_dir(workspace.path("tree/keys")).unwrap();
    std::fs::write(workspace.path("tree/.git/info/exclude"), "*secret*\n").unwrap();
    let (code, stderr) = in_tree("secrets init --directory keys");
    assert!(code == 2 && stderr.contains("add /keys/ to"), "{stderr}");
    assert_eq!(git(&["-C", "tree", "status", "--porcelain", "--untracked-files=all"]), "");
}

#[test]
fn a_file_with_another_of_its_names_is_kept_or_replaced_and_never_doubled() {
    let workspace = Workspace::new();
    workspace.write_secret("alpaca_webhook_secret.txt", "kept", 0o444);
    workspace.write_secret("alpaca_secret_key.txt", "first", 0o444);
    assert_eq!(workspace.run("secrets init").exit_code, 0);
    let set = "secrets set alpaca_api_secret --stdin";
    assert_eq!(workspace.run_with_input(set, CANARY).exit_code, 2, "it exists");
    assert_eq!(workspace.run_with_input(&format!("{set} --replace"), CANARY).exit_code, 0);
    assert_eq!(workspace.run("secrets retire alpaca_api_secret --unused").exit_code, 0);
    assert!(!workspace.path("secrets/.alpaca_secret_key.txt.old-1").exists());
    let files = contents(&workspace.path("secrets"));
    assert!(
        !files.contains_key("alpaca_webhook_secret") && !files.contains_key("alpaca_api_secret"),
        "{files:?}"
    );
    assert_eq!(
        (files["alpaca_webhook_secret.txt"].as_str(), files["alpaca_secret_key.txt"].as_str()),
        ("kept", CANARY)
    );
    workspace.write_secret("alpaca_webhook_secret", "second", 0o444);
    for command in ["secrets init", "secrets init --dry-run", "secrets init --replace alpaca_webhook_secret"]
    {
        let refused = workspace.run(command);
        let paths = "secrets/alpaca_webhook_secret, secrets/alpaca_webhook_secret.txt";
        assert!(refused.exit_code == 2 && refused.stderr.contains(paths), "{command}: {refused:?}");
    }
}
