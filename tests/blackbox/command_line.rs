//! The command lines of both programs: help texts, and what the commands of `api-server` print, return and leave behind.

use std::net::TcpListener;
use std::process::{Command, Stdio};

use tests::{ServerOptions, binary, help};

use crate::snapshots::assert_snapshot;

/// Exit status, standard output and standard error.
type CommandResult = (Option<i32>, String, String);

/// Runs a program in an empty directory, which must stay empty, with a bind address in use, so that listening there fails.
fn run(program: &str, arguments: &[&str], settings: &[(&str, &str)]) -> CommandResult {
    let (directory, in_use) = (tempfile::tempdir().unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
    let output = Command::new(binary(program))
        .args(arguments)
        .env_clear()
        .env("HOME", directory.path())
        .env("BIND_ADDRESS", in_use.local_addr().unwrap().to_string())
        .envs(settings.iter().copied())
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program} starts: build it with `cargo build`: {error}"));
    let files = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(files, 0, "{program} {arguments:?} creates no file");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Every help text of a program, each after its command line.
fn help_texts(program: &str) -> String {
    let help = |path: &str| {
        let arguments: Vec<&str> = path.split_whitespace().chain(["--help"]).collect();
        let (code, stdout, stderr) = run(program, &arguments, &[]);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        stdout
    };
    let commands = help::commands("", &help);
    let paths = std::iter::once("").chain(commands.iter().map(String::as_str));
    paths
        .map(|path| format!("$ {program} {path} --help\n{}\n", help(path)).replace("  --help", " --help"))
        .collect()
}

#[test]
fn help_texts_match_their_snapshots() {
    for (program, command) in [("api-server", "healthcheck"), ("investiq", "secrets rotate")] {
        let texts = help_texts(program);
        assert!(texts.contains(&format!("$ {program} {command} --help")), "{texts}");
        assert_snapshot(&format!("help_{program}"), &texts);
    }
}

#[test]
fn the_version_is_printed() {
    let expected = format!("api-server {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run("api-server", &["--version"], &[]), (Some(0), expected, String::new()));
}

#[test]
fn unknown_arguments_exit_with_2_and_the_usage() {
    for arguments in
        [&["nonsense"][..], &["--nonsense"], &["healthcheck", "nonsense"], &["healthcheck", "--url"]]
    {
        let (code, stdout, stderr) = run("api-server", arguments, &[]);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{arguments:?}: {stderr}");
        assert!(stderr.contains("Usage: api-server") || stderr.contains("--help"), "{stderr}");
    }
}

#[test]
fn the_configuration_is_checked_without_starting_the_server() {
    let (code, stdout, stderr) = run("api-server", &["check-config"], &[]);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let (code, stdout, stderr) = run("api-server", &["check-config"], &[("RATE_LIMIT_PER_MINUTE", "-5")]);
    assert!(code.is_some_and(|code| code != 0), "{stdout}{stderr}");
    assert!(format!("{stdout}{stderr}").contains("RATE_LIMIT_PER_MINUTE"), "{stdout}{stderr}");
}

#[test]
fn a_health_check_exits_with_0_only_when_the_server_responds_with_success() {
    let server = ServerOptions::new().start();
    let check = |url: &str| run("api-server", &["healthcheck", "--url", url], &[]);
    assert_eq!(check(&server.url("/livez")).0, Some(0));
    let (code, _, stderr) = check(&server.url("/nowhere"));
    assert!(code == Some(1) && stderr.contains("404"), "{stderr}");
    let configured = [("BIND_ADDRESS", server.url("").trim_start_matches("http://").to_owned())];
    let configured = configured.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(run("api-server", &["healthcheck"], &configured).0, Some(0));
    for every_address in ["0.0.0.0:0", "[::]:0"] {
        let published = [("INVESTIQ_PROFILE", "development"), ("PUBLISHED_ON_LOOPBACK", "true")];
        let options = ServerOptions::new().set("BIND_ADDRESS", every_address);
        let server =
            published.iter().fold(options, |options, (name, value)| options.set(name, *value)).start();
        let configured = format!("{}:{}", every_address.trim_end_matches(":0"), server.address().port());
        let settings = [published[0], published[1], ("BIND_ADDRESS", configured.as_str())];
        assert_eq!(run("api-server", &["healthcheck"], &settings).0, Some(0), "{every_address}");
    }
    drop(server);
    // Port 9 (discard) on loopback refuses connections; the address in use accepts them and never responds.
    assert_eq!(check("http://127.0.0.1:9/livez").0, Some(1));
    assert_eq!(run("api-server", &["healthcheck"], &[]).0, Some(1));
}
