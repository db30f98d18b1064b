//! Generated keys, hidden input, and shell completions.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tests::secrets_manager::FakeSecretsManager;

use crate::command::{CANARY, Workspace, mode};

/// For what takes a moment, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Runs `investiq` on the terminal of `script` (util-linux).
fn on_a_terminal(workspace: &Workspace, arguments: &str) -> Child {
    let variables: Vec<_> = workspace.command(&[]).get_envs().map(owned).collect();
    let line = format!("{} {arguments}", tests::binary("investiq").display());
    Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env_clear()
        .envs(variables)
        .env("PATH", "/usr/bin:/bin")
        .current_dir(workspace.path(""))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script is part of util-linux")
}

fn owned((name, value): (&OsStr, Option<&OsStr>)) -> (OsString, OsString) {
    (name.to_owned(), value.unwrap_or_default().to_owned())
}

#[test]
fn a_key_is_shown_on_a_terminal() {
    let shown = on_a_terminal(&Workspace::new(), "keys generate --env test --role trader")
        .wait_with_output()
        .unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    let key = text.lines().find(|line| line.starts_with("iq_test_")).unwrap_or_else(|| panic!("{text}"));
    assert!(key.trim_end().ends_with(":trader"), "{text}");
}

#[test]
fn a_key_is_not_written_to_a_pipe_but_to_a_new_file() {
    let workspace = Workspace::new();
    let piped = workspace.run("keys generate");
    assert_eq!((piped.exit_code, piped.stdout.as_str()), (2, ""), "{piped:?}");
    let written = workspace.run("keys generate --output key --json");
    assert_eq!(written.exit_code, 0, "{written:?}");
    assert_eq!((&written.json()["key"], &written.json()["file"]), (&serde_json::Value::Null, &"key".into()));
    let key = std::fs::read_to_string(workspace.path("key")).unwrap();
    assert!(key.starts_with("iq_live_") && key.ends_with(":viewer\n"), "{key}");
    assert_eq!(mode(&workspace.path("key")), 0o600);
    assert!(!format!("{written:?}").contains(key.trim_end()), "only its label is printed");
    assert_eq!(
        workspace.run("keys generate --output key").exit_code,
        4,
        "an existing file is not overwritten"
    );
    assert_eq!(std::fs::read_to_string(workspace.path("key")).unwrap(), key);
}

#[test]
fn a_generated_key_is_accepted_and_logged_by_its_label() {
    let workspace = Workspace::new();
    let message = workspace.run("keys generate --role admin --output key").stderr;
    let entry = std::fs::read_to_string(workspace.path("key")).unwrap();
    let (key, _) = entry.trim_end().rsplit_once(':').unwrap();
    let server = tests::ServerOptions::new().set("API_KEYS", entry.trim_end()).start();
    assert_eq!(server.get("/api/symbols", &[("x-api-key", key)]).status, 200);
    assert_eq!(server.get("/api/symbols", &[]).status, 401);
    let label = message.split_whitespace().nth(1).unwrap().trim_end_matches(':');
    assert_eq!(label.len(), 8, "{message}");
    let deadline = Instant::now() + TIMEOUT;
    while !server.log().contains(label) {
        assert!(Instant::now() < deadline, "{label} is not in the log:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the terminal of `script` no longer echoes input.
fn wait_for_hidden_input(script: u32) {
    let deadline = Instant::now() + TIMEOUT;
    while !terminal_below(script).is_some_and(|terminal| hides_input(&terminal)) {
        assert!(Instant::now() < deadline, "the program does not prompt");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The terminal of the process that `script` runs: the seventh field of `/proc/PID/stat` is 136 · 256 + its number.
fn terminal_below(script: u32) -> Option<String> {
    let children = std::fs::read_to_string(format!("/proc/{script}/task/{script}/children")).ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", children.split_whitespace().next()?)).ok()?;
    let after_name = stat.rsplit_once(')')?.1;
    let device: u32 = after_name.split_whitespace().nth(4)?.parse().ok()?;
    (device >> 8 == 136).then(|| format!("/dev/pts/{}", device & 0xff))
}

fn hides_input(terminal: &str) -> bool {
    let settings = Command::new("stty").args(["-F", terminal, "-a"]).output().unwrap();
    String::from_utf8_lossy(&settings.stdout).split([' ', ';', '\n']).any(|setting| setting == "-echo")
}

#[test]
fn typed_values_are_not_echoed() {
    let workspace = Workspace::new();
    let mut child = on_a_terminal(&workspace, "secrets set polygon_api_key");
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    // Until the program disables it, the terminal echoes input.
    wait_for_hidden_input(child.id());
    input.write_all(format!("{CANARY}\n").as_bytes()).unwrap();
    let mut echoed = Vec::new();
    output.read_to_end(&mut echoed).unwrap();
    assert!(child.wait().unwrap().success(), "{}", String::from_utf8_lossy(&echoed));
    assert_eq!(std::fs::read_to_string(workspace.path("secrets/polygon_api_key")).unwrap(), CANARY);
    assert!(!String::from_utf8_lossy(&echoed).contains(CANARY));
}

#[test]
fn interactive_setup_prompts_for_each_secret_and_echoes_none() {
    let aws = FakeSecretsManager::start();
    let workspace = crate::aws::account(&aws.endpoint_url());
    let names = workspace.run("secrets list --json").json()["secrets"].as_array().unwrap().len();
    let mut child = on_a_terminal(&workspace, "secrets setup-aws --interactive");
    wait_for_hidden_input(child.id());
    // The second is typed; empty input generates our secrets and skips vendors' and the token for the first key.
    let typed = format!("\n{CANARY}\n{}", "\n".repeat(names - 2));
    child.stdin.as_mut().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let echoed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !echoed.contains(CANARY), "{echoed}");
    assert_eq!(aws.text("test/rail/alpaca-api-key", "AWSCURRENT").as_deref(), Some(CANARY));
    assert!(aws.text("test/rail/audit-key", "AWSCURRENT").is_some());
    assert_eq!(aws.text("test/rail/polygon-api-key", "AWSCURRENT"), None);
}

#[test]
fn completions_have_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let result = Workspace::new().run(&format!("completions {shell}"));
        assert_eq!(result.exit_code, 0);
        assert!(result.stdout.contains("explain"), "{shell}");
    }
    let bash = Workspace::new().run("completions bash").stdout;
    assert!(bash.contains("production"), "values are completed, too");
    let mut child = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bash.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "bash parses it");
}
