//! A key is shown once, on a terminal or in a new file; a value is typed unseen; completions are written.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tests::secrets_manager::FakeSecretsManager;

use crate::command::{CANARY, Place, binary, mode};

/// Longest wait for what takes a moment, on a machine that has much else to do.
const WAIT: Duration = Duration::from_secs(60);

/// Runs `investiq` on a terminal of its own, that of `script` (util-linux).
fn on_a_terminal(place: &Place, arguments: &str) -> Child {
    let variables: Vec<_> = place.command(&[]).get_envs().map(owned).collect();
    let line = format!("{} {arguments}", binary().display());
    Command::new("script")
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env_clear()
        .envs(variables)
        .env("PATH", "/usr/bin:/bin")
        .current_dir(place.path(""))
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
    let shown =
        on_a_terminal(&Place::new(), "keys generate --env test --role trader").wait_with_output().unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    let key = text.lines().find(|line| line.starts_with("iq_test_")).unwrap_or_else(|| panic!("{text}"));
    assert!(key.trim_end().ends_with(":trader"), "{text}");
}

#[test]
fn a_key_is_not_written_into_a_pipe_but_into_a_new_file() {
    let place = Place::new();
    let refused = place.run("keys generate");
    assert_eq!((refused.code, refused.out.as_str()), (2, ""), "{refused:?}");
    let written = place.run("keys generate --output key");
    assert_eq!(written.code, 0, "{written:?}");
    let key = std::fs::read_to_string(place.path("key")).unwrap();
    assert!(key.starts_with("iq_live_") && key.ends_with(":viewer\n"), "{key}");
    assert_eq!(mode(&place.path("key")), 0o600);
    assert!(!format!("{written:?}").contains(key.trim_end()), "its label alone is told");
    assert_eq!(place.run("keys generate --output key").code, 4, "a file that is there stays");
    assert_eq!(std::fs::read_to_string(place.path("key")).unwrap(), key);
}

#[test]
fn a_made_key_opens_the_server_by_its_role_and_is_called_by_its_label() {
    let place = Place::new();
    let told = place.run("keys generate --role admin --output key").err;
    let entry = std::fs::read_to_string(place.path("key")).unwrap();
    let (key, _) = entry.trim_end().rsplit_once(':').unwrap();
    let server = tests::ServerOptions::new().set("API_KEYS", entry.trim_end()).start();
    assert_eq!(server.get("/api/symbols", &[("x-api-key", key)]).status, 200);
    assert_eq!(server.get("/api/symbols", &[]).status, 401);
    let label = told.split_whitespace().nth(1).unwrap().trim_end_matches(':');
    assert_eq!(label.len(), 8, "{told}");
    let deadline = Instant::now() + WAIT;
    while !server.log().contains(label) {
        assert!(Instant::now() < deadline, "{label} is not in the log:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the terminal that `script` made no longer shows what is typed.
fn await_hidden_input(script: u32) {
    let deadline = Instant::now() + WAIT;
    while !terminal_below(script).is_some_and(|terminal| hides_input(&terminal)) {
        assert!(Instant::now() < deadline, "the program never asked");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The terminal of the process that `script` runs: the seventh field of its line in `/proc` is 136 · 256 + its number.
fn terminal_below(script: u32) -> Option<String> {
    let children = std::fs::read_to_string(format!("/proc/{script}/task/{script}/children")).ok()?;
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", children.split_whitespace().next()?)).ok()?;
    let behind_the_name = stat.rsplit_once(')')?.1;
    let device: u32 = behind_the_name.split_whitespace().nth(4)?.parse().ok()?;
    (device >> 8 == 136).then(|| format!("/dev/pts/{}", device & 0xff))
}

fn hides_input(terminal: &str) -> bool {
    let settings = Command::new("stty").args(["-F", terminal, "-a"]).output().unwrap();
    String::from_utf8_lossy(&settings.stdout).split([' ', ';', '\n']).any(|setting| setting == "-echo")
}

#[test]
fn what_is_typed_is_not_shown() {
    let place = Place::new();
    let mut child = on_a_terminal(&place, "secrets set polygon_api_key");
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    // Before the program hides it, the terminal itself would show what is typed.
    await_hidden_input(child.id());
    input.write_all(format!("{CANARY}\n").as_bytes()).unwrap();
    let mut seen = Vec::new();
    output.read_to_end(&mut seen).unwrap();
    assert!(child.wait().unwrap().success(), "{}", String::from_utf8_lossy(&seen));
    assert_eq!(std::fs::read_to_string(place.path("secrets/polygon_api_key")).unwrap(), CANARY);
    assert!(!String::from_utf8_lossy(&seen).contains(CANARY));
}

#[test]
fn setting_up_asks_for_each_secret_and_shows_none() {
    let aws = FakeSecretsManager::start();
    let place = crate::aws::account(&aws.endpoint_url());
    let names = place.run("secrets list --json").json()["secrets"].as_array().unwrap().len();
    let mut child = on_a_terminal(&place, "secrets setup-aws --interactive");
    await_hidden_input(child.id());
    // The first is typed; an empty answer makes one of ours, and leaves out one of others.
    let typed = format!("{CANARY}\n{}", "\n".repeat(names - 1));
    child.stdin.as_mut().unwrap().write_all(typed.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let seen = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && !seen.contains(CANARY), "{seen}");
    assert_eq!(aws.text("test/rail/admin-bootstrap-token", "AWSCURRENT").as_deref(), Some(CANARY));
    assert!(aws.text("test/rail/jwt-secret", "AWSCURRENT").is_some());
    assert_eq!(aws.text("test/rail/polygon-api-key", "AWSCURRENT"), None);
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = Place::new().run(&format!("completions {shell}"));
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains("explain"), "{shell}");
    }
    let bash = Place::new().run("completions bash").out;
    assert!(bash.contains("production"), "values are completed, too");
    let mut child = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bash.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success(), "bash reads it");
}
