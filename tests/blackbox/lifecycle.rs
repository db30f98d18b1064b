//! Start, failure to start, drain and stop.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tests::{Server, ServerOptions};

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

fn slow_post(server: &Server, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let head = format!(
        "POST /api/analyze HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&body.as_bytes()[..10]).unwrap();
    // The request for the metrics is the other one.
    server.wait_until("the request is in flight", |server| {
        server.metric("http_requests_in_flight").is_some_and(|requests| requests >= 2.0)
    });
    stream
}

/// Waits until a stopping server refuses connections.
fn wait_until_refused(server: &Server) {
    server.wait_until("connections are refused", |server| TcpStream::connect(server.address()).is_err());
}

const BODY: &str =
    r#"{"symbol":"TEST","bars":[{"date":"2013-01-02","open":1,"high":2,"low":1,"close":2,"volume":5}]}"#;

#[test]
fn the_first_response_comes_quickly_without_keys_and_network() {
    let started = Instant::now();
    let server = ServerOptions::new().start();
    let response = server.get("/api/analyze/AAPL", &[]);
    assert_eq!(response.status, 200);
    assert!(response.json()["current_price"].is_number());
    // tools/bench measures it on a release build; this bound is above a busy machine and below a network timeout.
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_request_in_flight_at_sigterm_completes_and_the_exit_status_is_0() {
    // Longer than the wait for refused connections, so that the draining server refuses and not its exit.
    let options = ServerOptions::new().set("SHUTDOWN_TIMEOUT_SECS", "600").set("REQUEST_TIMEOUT_SECS", "600");
    let mut server = options.start();
    let mut slow = slow_post(&server, BODY);
    server.signal("TERM");
    wait_until_refused(&server);
    slow.write_all(&BODY.as_bytes()[10..]).unwrap();
    let mut response = String::new();
    slow.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    let status = server.wait().expect("it ends once drained");
    assert_eq!(status.code(), Some(0), "{}", server.log());
}

#[test]
fn a_request_cut_at_the_deadline_is_logged_and_fails_the_exit_status() {
    // Only the deadline ends the request: its own timeout is longer than the test.
    let options = ServerOptions::new().set("SHUTDOWN_TIMEOUT_SECS", "1").set("REQUEST_TIMEOUT_SECS", "600");
    let mut server = options.start();
    let _slow = slow_post(&server, BODY);
    server.signal("TERM");
    let status = server.wait().expect("it ends at the deadline");
    assert_ne!(status.code(), Some(0));
    assert!(server.log().contains("cut"), "{}", server.log());
}

#[test]
fn readiness_fails_during_the_drain() {
    let options = ServerOptions::new().set("SHUTDOWN_TIMEOUT_SECS", "600").set("REQUEST_TIMEOUT_SECS", "600");
    let server = options.start();
    // A keep-alive connection still gets responses while a slow request delays the drain.
    let mut probe = TcpStream::connect(server.address()).unwrap();
    probe.set_read_timeout(Some(RESPONSE_TIMEOUT)).unwrap();
    let mut first_half = probe.try_clone().unwrap();
    let mut send = |bytes: &[u8]| {
        let mut buffer = [0; 4096];
        drop(probe.write_all(bytes));
        let count = probe.read(&mut buffer).unwrap_or(0);
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    };
    let request = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert!(send(request).starts_with("HTTP/1.1 200"));
    let _slow = slow_post(&server, BODY);
    first_half.write_all(b"GET /readyz HTTP/1.1\r\nHost: loc").unwrap();
    server.signal("TERM");
    wait_until_refused(&server);
    let rest = send(b"alhost\r\n\r\n");
    assert!(rest.is_empty() || rest.starts_with("HTTP/1.1 503"), "closed, or not ready: {rest}");
}

#[test]
fn a_port_in_use_is_an_error_that_names_the_address() {
    let first = ServerOptions::new().start();
    let address = first.address().to_string();
    let (status, log) = ServerOptions::new().set("BIND_ADDRESS", address.clone()).start_failure();
    assert!(!status.success() && log.contains(&address), "{log}");
    assert_eq!(first.get("/livez", &[]).status, 200, "the first server is not affected");
}

#[test]
fn two_instances_run_on_one_host() {
    let (one, two) = (ServerOptions::new().start(), ServerOptions::new().start());
    assert_eq!(one.get("/livez", &[]).status, 200);
    assert_eq!(two.get("/livez", &[]).status, 200);
}

#[test]
fn it_writes_only_its_database_starts_no_child_and_opens_one_port() {
    let home = tempfile::tempdir().unwrap();
    let server = ServerOptions::new().set("HOME", home.path().to_string_lossy()).start();
    assert_eq!(server.get("/api/analyze/MSFT", &[]).status, 200);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    let written = std::fs::read_dir(server.directory()).unwrap();
    let written: Vec<_> =
        written.map(|entry| entry.unwrap().file_name()).filter(|name| name != "data").collect();
    assert_eq!(written, Vec::<std::ffi::OsString>::new());
    let children =
        std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.pid())).unwrap_or_default();
    assert_eq!(children.trim(), "");
    assert_eq!(listening_sockets(server.pid()), 1);
}

/// A process's listening sockets, by their inode in `/proc/net/tcp` and `tcp6` (state 0A).
fn listening_sockets(pid: u32) -> usize {
    let owned: Vec<String> = std::fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    ["tcp", "tcp6"]
        .iter()
        .flat_map(|table| {
            let text = std::fs::read_to_string(format!("/proc/{pid}/net/{table}")).unwrap_or_default();
            text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
        })
        .filter(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            fields[3] == "0A" && owned.iter().any(|inode| inode == fields[9])
        })
        .count()
}

#[test]
fn no_request_is_logged_after_the_drain() {
    for _ in 0..3 {
        let mut server = ServerOptions::new().start();
        for _ in 0..20 {
            assert_eq!(server.get("/api/symbols", &[]).status, 200);
        }
        server.signal("TERM");
        assert!(server.wait().is_some());
        let events = server.events();
        let is_request =
            |event: &serde_json::Value| event["target"] == "access" && event["path"] == "/api/symbols";
        let drained =
            events.iter().position(|event| event.to_string().contains("drained: all requests")).unwrap();
        assert_eq!(
            events[..drained].iter().filter(|event| is_request(event)).count(),
            20,
            "{}",
            server.log()
        );
        assert!(!events[drained..].iter().any(|event| event["target"] == "access"), "{}", server.log());
    }
}

fn database_files(server: &Server) -> Vec<String> {
    let files = std::fs::read_dir(server.directory().join("data")).unwrap();
    let mut names: Vec<String> = files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_stopped_server_leaves_one_database_file() {
    let mut server = ServerOptions::new().start();
    assert!(database_files(&server).contains(&"investiq.db-wal".to_owned()));
    server.signal("TERM");
    assert_eq!(server.wait().unwrap().code(), Some(0));
    assert_eq!(database_files(&server), ["investiq.db", "investiq.db.checkpoint"]);
}

#[test]
fn a_server_that_cannot_start_leaves_one_database_file() {
    let directory = tempfile::tempdir().unwrap();
    let options = ServerOptions::new().database_file(&directory.path().join("investiq.db"));
    options.start().stop_and_read_log();
    let other_key = "h1Jr3Yv9QmTz0LkXw8BnE5sUc2dGf7PaRt4iKo6Vx1M=";
    let (status, log) = options.set("AUDIT_KEY", other_key).start_failure();
    assert_ne!(status.code(), Some(0));
    assert!(log.contains("audit"), "{log}");
    let mut files: Vec<_> =
        std::fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["investiq.db", "investiq.db.checkpoint"]);
}

/// With fewer files than connections, no client waits: what does not fit is refused.
#[test]
fn connections_are_bounded_by_the_limit_of_open_files() {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("limited");
    let script = format!("#!/bin/sh\nulimit -n 200\nexec {}\n", tests::binary("api-server").display());
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let server = ServerOptions::new().program(&program).start();
    let is_warned = |event: &serde_json::Value| event["connections_max"] == 50;
    assert!(server.events().iter().any(is_warned), "{}", server.log());
    let is_served = || {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        drop(stream.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        let mut response = String::new();
        match stream.read_to_string(&mut response) {
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("no answer"),
            Ok(_) | Err(_) => response.starts_with("HTTP/1.1 200 "),
        }
    };
    let held: Vec<_> = (0..200).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    assert!(!is_served(), "refused at once, not after a wait");
    drop(held);
    server.wait_until("places are free", |_| is_served());
}
