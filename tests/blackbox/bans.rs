//! Bans of clients without a valid key, shared by two replicas, and the filter for fail2ban on the log of a real server.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tests::{Postgres, Server, ServerOptions};

const KEY: &str = "bans-test-Qm7vX2pLw9TzR4kNc8Yb3HsJ";
const SCANNER: &str = "203.0.113.9";
const GUESSER: &str = "203.0.113.10";
const NEIGHBOUR: &str = "203.0.113.11";
const AUDIT_KEY: &str = "+K5ZMjQynwolms9MUptlqDHTQzXy4xnJ3qNqBlR161Y=";
const WAIT: Duration = Duration::from_secs(60);

/// A server behind a proxy on this machine, which names the client.
fn options(mode: &str) -> ServerOptions {
    ServerOptions::new()
        .set("API_KEYS", format!("{KEY}:viewer"))
        .set("TRUSTED_PROXIES", "127.0.0.1")
        .set("RATE_LIMIT_PER_MINUTE", "6000")
        .set("ALLOWED_ORIGINS", "https://app.example.com")
        .set("BANS", mode)
}

fn get(server: &Server, client: &str, path: &str, key: Option<&str>) -> u16 {
    let headers = [("x-forwarded-for", client), ("x-api-key", key.unwrap_or_default())];
    server.get(path, &headers[..1 + usize::from(key.is_some())]).status
}

/// The status of the first of 60 paths that do not exist and that is not 404.
fn scan(server: &Server, client: &str) -> Option<u16> {
    let statuses = (0..60).map(|number| get(server, client, &format!("/wp-{number}.php"), None));
    let mut others = statuses.filter(|status| *status != 404);
    others.next()
}

fn wait_for(server: &Server, client: &str, status: u16) {
    let deadline = Instant::now() + WAIT;
    while get(server, client, "/docs/problems", None) != status {
        assert!(Instant::now() < deadline, "{client} does not get {status}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn bans(url: &str, arguments: &[&str]) -> String {
    let output = Command::new(tests::binary("investiq"))
        .arg("bans")
        .args(arguments)
        .env_clear()
        .env("DATABASE_URL", url)
        .env("AUDIT_KEY", AUDIT_KEY)
        .env("SECRETS_DIR", "/nowhere")
        .output()
        .expect("the investiq binary starts");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{text}");
    text
}

#[test]
fn scanners_and_guessers_are_banned_on_every_replica_and_valid_keys_of_their_address_are_served() {
    let postgres = Postgres::start();
    let url = postgres.create_database("bans");
    let options = options("enforce").set("DATABASE_URL", url.as_str()).set("AUDIT_KEY", AUDIT_KEY);
    let (one, two) = (options.start(), options.start());

    assert!(scan(&one, SCANNER).is_none_or(|status| status == 403));
    for server in [&one, &two] {
        wait_for(server, SCANNER, 403);
        assert_eq!(get(server, SCANNER, "/api/symbols", Some(KEY)), 200, "a valid key of the same address");
        assert_eq!(get(server, NEIGHBOUR, "/docs/problems", None), 200);
        assert_eq!(get(server, SCANNER, "/livez", None), 200, "probes");
    }
    let refused = one.get("/docs/problems", &[("x-forwarded-for", SCANNER)]);
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(refused.body.contains("\"code\":\"banned\"") && (1..=67).contains(&wait), "{refused:?}");
    // A browser asks without a key whether it may send a request with one.
    let preflight = [
        ("x-forwarded-for", SCANNER),
        ("origin", "https://app.example.com"),
        ("access-control-request-method", "GET"),
    ];
    let preflight = one.send(reqwest::Method::OPTIONS, "/api/symbols", &preflight, None);
    assert!(preflight.status == 204 || preflight.status == 200, "{preflight:?}");
    // Deliveries have their own credential.
    let delivery = [("x-forwarded-for", SCANNER), ("content-type", "application/json")];
    let delivery = one.send(reqwest::Method::POST, "/api/v1/webhooks/bridge", &delivery, Some("{}"));
    assert_ne!(delivery.status, 403, "{delivery:?}");

    // An old key again and again is no attack; 30 different ones are.
    for _ in 0..30 {
        assert_ne!(get(&one, NEIGHBOUR, "/api/symbols", Some("an-old-key")), 403);
    }
    for number in 0..30 {
        get(&one, GUESSER, "/api/symbols", Some(&format!("guess-{number}")));
    }
    wait_for(&two, GUESSER, 403);
    assert_eq!(get(&one, NEIGHBOUR, "/docs/problems", None), 200);
    // The proxy sent no header: the client is unknown, and nobody is banned.
    for number in 0..60 {
        one.get(&format!("/unknown-{number}"), &[]);
    }
    assert_eq!(one.get("/docs/problems", &[]).status, 200);

    let list = bans(&url, &["list"]);
    assert!(list.contains("203.0.113.9/32") && list.contains("unmatched_path"), "{list}");
    assert!(list.contains("203.0.113.10/32") && list.contains("wrong_key"), "{list}");
    assert_eq!(list.lines().count(), 3, "{list}");
    bans(&url, &["remove", SCANNER]);
    bans(&url, &["add", "203.0.113.0/28", "--for", "1h", "--reason", "a test"]);
    for server in [&one, &two] {
        wait_for(server, NEIGHBOUR, 403);
        assert!(
            server.metric("banned_networks") == Some(2.0) && server.metric("http_banned_total") > Some(0.0)
        );
    }
    bans(&url, &["remove", "203.0.113.0/28"]);
    wait_for(&two, SCANNER, 200);
    let actions = postgres
        .rows("bans", "SELECT action FROM audit_entries WHERE action LIKE 'bans.%' ORDER BY sequence");
    assert_eq!(actions.concat(), ["bans.add", "bans.add", "bans.remove", "bans.add", "bans.remove"]);
}

#[test]
fn by_default_offences_are_logged_and_nobody_is_banned() {
    let server = options("observe").start();
    assert_eq!(scan(&server, SCANNER), None);
    assert_eq!(get(&server, SCANNER, "/docs/problems", None), 200);
    assert!(server.log().contains("would be banned") && server.log().contains("203.0.113.9/32"));
    assert_eq!(server.metric("bans_total{reason=\"unmatched_path\"}"), Some(1.0));
}

/// The configuration that is shipped, below which fail2ban finds its own defaults.
fn fail2ban_directory(log: &Path, around: &Path) -> PathBuf {
    let directory = around.join("fail2ban");
    let copy = |from: &Path, to: &Path| {
        let status = Command::new("cp").arg("-r").arg(from).arg(to).status();
        assert!(status.unwrap().success());
    };
    copy(Path::new("/etc/fail2ban"), &directory);
    copy(&tests::workspace_root().join("configs/fail2ban/."), &directory);
    let log = log.display();
    let jail = format!("[DEFAULT]\nbanaction = dummy\nlogpath = {log}\n[sshd]\nenabled = false\n");
    let jails = ["paths", "keys"].map(|name| format!("[investiq-{name}]\nlogpath = {log}\nmaxretry = 6\n"));
    let jail = format!("{jail}{}", jails.concat());
    std::fs::write(directory.join("jail.local"), jail).unwrap();
    std::fs::write(directory.join("fail2ban.local"), "[Definition]\ndbfile = :memory:\n").unwrap();
    directory
}

#[test]
fn fail2ban_finds_the_clients_of_refused_requests_in_the_log_and_bans_them() {
    let options = options("off").set("AUTH_FAILURES_PER_MINUTE", "1");
    let server = options.set("RUST_LOG_FORMAT", "json").start();
    let refused = |client| {
        get(&server, client, "/unknown", None);
        get(&server, client, "/api/symbols", None);
        get(&server, client, "/api/symbols/NOSUCH", Some(KEY));
    };
    let guess = |client| get(&server, client, "/api/symbols", Some("guess"));
    refused(SCANNER);
    assert_eq!((guess(GUESSER), guess(GUESSER)), (401, 429));
    // A client that writes the line of another one into what is logged.
    let forged = format!("x\",\"client\":\"{NEIGHBOUR}\",\"route\":\"unmatched\",\"status\":404,\"y\":\"");
    server.get("/docs/problems", &[("x-forwarded-for", SCANNER), ("user-agent", &forged)]);
    let delivery = [("x-forwarded-for", NEIGHBOUR), ("content-type", "application/json")];
    server.send(reqwest::Method::POST, "/api/v1/webhooks/bridge", &delivery, Some("{}"));

    let around = tempfile::tempdir().unwrap();
    let log = around.path().join("api-server.log");
    let until = |what: &str, holds: &dyn Fn() -> bool| {
        let deadline = Instant::now() + WAIT;
        while !holds() {
            let log = std::fs::read_to_string(around.path().join("log")).unwrap_or_default();
            assert!(Instant::now() < deadline, "not {what}: {log}");
            std::thread::sleep(Duration::from_millis(200));
            std::fs::write(around.path().join("api-server.log"), server.log()).unwrap();
        }
    };
    until("logged", &|| {
        server.log().lines().filter(|line| line.contains("\"target\":\"access\"")).count() >= 7
    });
    std::fs::write(&log, server.log()).unwrap();
    let directory = fail2ban_directory(&log, around.path());
    for (mode, client) in [("paths", SCANNER), ("keys", GUESSER)] {
        let output = Command::new("fail2ban-regex")
            .arg("-c")
            .arg(&directory)
            .arg("--print-all-matched")
            .arg(&log)
            .arg(format!("investiq[mode={mode}]"))
            .output()
            .expect("fail2ban-regex starts: `tests/run` installs fail2ban");
        let text = String::from_utf8_lossy(&output.stdout);
        let matched: Vec<&str> = text.lines().filter(|line| line.contains("{\"timestamp\":\"2")).collect();
        assert_eq!(matched.len(), 1, "{text}");
        assert!(matched[0].contains(&format!("\"client\":\"{client}\"")), "{text}");
    }

    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.arg("-c").arg(&directory);
        for (option, file) in [("-s", "socket"), ("-p", "pid")] {
            command.arg(option).arg(around.path().join(file));
        }
        command.args(["--loglevel", "INFO", "--logtarget"]).arg(around.path().join("log")).args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut daemon = run("fail2ban-server", &["-f", "-x", "start"]);
    let banned = |jail: &str| {
        let status = run("fail2ban-client", &["status", jail]).wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&status.stdout).into_owned();
        text.lines()
            .find_map(|line| line.split_once("Banned IP list:"))
            .map(|(_, list)| list.trim().to_owned())
    };
    until("started", &|| banned("investiq-paths").is_some() && banned("investiq-keys").is_some());
    for _ in 0..6 {
        refused(SCANNER);
        guess(GUESSER);
        get(&server, NEIGHBOUR, "/api/symbols", None);
    }
    until("banned", &|| {
        banned("investiq-paths").as_deref() == Some(SCANNER)
            && banned("investiq-keys").as_deref() == Some(GUESSER)
    });
    assert!(run("fail2ban-client", &["stop"]).wait().unwrap().success());
    assert!(daemon.wait().unwrap().success());
}
