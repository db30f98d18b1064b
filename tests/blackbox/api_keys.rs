//! API keys of the database: created, used, rotated and revoked over HTTP and by `investiq`, on several servers at once.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tests::database::Database;
use tests::{Response, Server, ServerOptions};

const TOKEN: &str = "7d1f0c5be28a94637bd1c09ae4f25d8806c3b97a51ee42d8";
/// The Base64 of 32 random bytes.
const AUDIT_KEY: &str = "+K5ZMjQynwolms9MUptlqDHTQzXy4xnJ3qNqBlR161Y=";
const KEYS: &str = "/api/admin/keys";
/// For what takes a moment, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// How soon another server knows of a change.
const KNOWN_WITHIN: Duration = Duration::from_secs(1);

fn options(url: &str) -> ServerOptions {
    ServerOptions::new()
        .set("DATABASE_URL", url)
        .set("AUDIT_KEY", AUDIT_KEY)
        .set("ADMIN_BOOTSTRAP_TOKEN", TOKEN)
        .set("REQUIRE_AUTH", "true")
        .set("RATE_LIMIT_PER_MINUTE", "1000000")
}

/// A server with a database file of its own.
fn server() -> (tempfile::TempDir, Server) {
    let directory = tempfile::tempdir().unwrap();
    let server = options(&Database::sqlite_in(directory.path()).url()).start();
    (directory, server)
}

fn post(server: &Server, path: &str, key: &str, body: &Value) -> Response {
    let headers = [("authorization", &*format!("Bearer {key}")), ("content-type", "application/json")];
    server.send(Method::POST, path, &headers, Some(&body.to_string()))
}

fn create(server: &Server, key: &str, body: &Value) -> (String, String) {
    let response = post(server, KEYS, key, body);
    assert_eq!(response.status, 201, "{response:?}");
    let created = response.json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&created["key"]), text(&created["details"]["id"]))
}

fn first(server: &Server) -> String {
    create(server, TOKEN, &json!({ "name": "operator", "role": "admin" })).0
}

fn revoke(server: &Server, key: &str, id: &str) -> Response {
    server.send(Method::DELETE, &format!("{KEYS}/{id}?reason=test"), &[("x-api-key", key)], None)
}

fn status(server: &Server, key: &str) -> u16 {
    server.get("/api/symbols", &[("x-api-key", key)]).status
}

/// Time until the server accepts the key, or no longer does.
fn time_until(server: &Server, key: &str, accepts: bool) -> Duration {
    let started = Instant::now();
    while (status(server, key) == 200) != accepts {
        assert!(started.elapsed() < PATIENCE, "{}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    started.elapsed()
}

#[test]
fn a_key_of_one_server_works_on_another_within_a_second_until_it_is_revoked() {
    let database = Database::on_postgres();
    let servers = [options(&database.url()).start(), options(&database.url()).start()];
    let operator = first(&servers[0]);
    time_until(&servers[1], &operator, true);
    // The best of some: a busy machine may be late.
    let (mut created, mut revoked) = (PATIENCE, PATIENCE);
    for _ in 0..5 {
        let (key, id) =
            create(&servers[0], &operator, &json!({ "name": "client", "scopes": ["market:read"] }));
        created = created.min(time_until(&servers[1], &key, true));
        assert_eq!(status(&servers[0], &key), 200);
        assert_eq!(revoke(&servers[0], &operator, &id).status, 200);
        revoked = revoked.min(time_until(&servers[1], &key, false));
        time_until(&servers[0], &key, false);
    }
    assert!(created <= KNOWN_WITHIN && revoked <= KNOWN_WITHIN, "{created:?} {revoked:?}");
}

#[test]
fn a_server_that_stops_still_learns_of_a_revocation() {
    let directory = tempfile::tempdir().unwrap();
    let url = Database::sqlite_in(directory.path()).url();
    let server = options(&url).set("UNREADY_SECS", "60").start();
    let operator = first(&server);
    let (key, id) = create(&server, &operator, &json!({ "name": "client", "scopes": ["market:read"] }));
    assert_eq!(status(&server, &key), 200);
    server.signal("TERM");
    server.wait_until("it is draining", |server| server.get("/readyz", &[]).status == 503);
    assert_eq!(status(&server, &key), 200, "it still serves");
    let (code, _, said) = investiq(&url, &format!("keys revoke {id} --reason leaked"));
    assert_eq!(code, 0, "{said}");
    time_until(&server, &key, false);
    assert_eq!(status(&server, &key), 401);
}

#[test]
fn a_rotation_under_load_refuses_nobody_within_the_overlap() {
    let database = Database::on_postgres();
    let servers = [options(&database.url()).start(), options(&database.url()).start()];
    let operator = first(&servers[0]);
    let (old, id) = create(&servers[0], &operator, &json!({ "name": "client", "concurrency": 1000 }));
    time_until(&servers[1], &old, true);
    let (sent, is_over) = (AtomicU32::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let senders: Vec<_> = servers
            .iter()
            .map(|server| {
                scope.spawn(|| {
                    while !is_over.load(Ordering::Relaxed) {
                        assert_eq!(status(server, &old), 200);
                        sent.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        let wait_for = |more: u32| {
            let (before, started) = (sent.load(Ordering::Relaxed), Instant::now());
            while sent.load(Ordering::Relaxed) < before + more && started.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(5));
            }
        };
        wait_for(50);
        let rotated =
            post(&servers[0], &format!("{KEYS}/{id}/rotate"), &operator, &json!({ "overlap_s": 3600 }));
        assert_eq!(rotated.status, 201, "{rotated:?}");
        let new = rotated.json()["key"].as_str().unwrap().to_owned();
        for server in &servers {
            time_until(server, &new, true);
        }
        wait_for(50);
        is_over.store(true, Ordering::Relaxed);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert!(sent.load(Ordering::Relaxed) >= 100);
        let again = post(&servers[1], &format!("{KEYS}/{id}/rotate"), &operator, &json!({}));
        assert_eq!(again.status, 409, "{again:?}");
        // Without an overlap the key ends at once.
        let new_id = rotated.json()["details"]["id"].as_str().unwrap().to_owned();
        let at_once =
            post(&servers[0], &format!("{KEYS}/{new_id}/rotate"), &operator, &json!({ "overlap_s": 0 }));
        assert_eq!(at_once.status, 201);
        for server in &servers {
            time_until(server, &new, false);
        }
        assert_eq!(status(&servers[1], &old), 200, "the first rotation has its own overlap");
    });
}

#[test]
fn the_first_key_is_created_once_with_the_token_which_does_nothing_else() {
    let (directory, server) = server();
    let bearer = format!("Bearer {TOKEN}");
    for path in [KEYS, "/api/symbols", "/metrics"] {
        let status = server.get(path, &[("authorization", &bearer), ("x-forwarded-for", "192.0.2.1")]).status;
        assert_eq!(status, 401, "{path}");
    }
    let body = json!({ "name": "operator", "role": "admin" });
    assert_eq!(post(&server, KEYS, &format!("{TOKEN}0"), &body).status, 401);
    assert_eq!(post(&server, KEYS, TOKEN, &json!({ "name": "client" })).status, 422, "not an admin");
    let operator = first(&server);
    for _ in 0..2 {
        assert_eq!(post(&server, KEYS, TOKEN, &body).status, 409);
    }
    let log = format!(
        "{:?} {:?}",
        server.log(),
        server.get("/api/admin/audit/verify", &[("x-api-key", &operator)])
    );
    assert!(!log.contains(TOKEN), "{log}");
    let actions = Database::sqlite_in(directory.path()).rows("SELECT actor, action FROM audit_entries");
    let used: Vec<_> = actions.iter().filter(|row| row[0] == "bootstrap").collect();
    assert_eq!(used, [&["bootstrap", "api_keys.bootstrap"]]);
    drop(server);
    // A key of the database suffices for the next start.
    let url = Database::sqlite_in(directory.path()).url();
    let again = options(&url).unset("ADMIN_BOOTSTRAP_TOKEN").start();
    assert_eq!(status(&again, &operator), 200);
    drop(again);
    let (_, log) = options(&url).set("ADMIN_BOOTSTRAP_TOKEN", "let-me-in-please-1234").start_failure();
    assert!(log.contains("admin_bootstrap_token") && log.contains("128 bits"), "{log}");
}

/// Method, path and scope of every operation that requires one.
fn scoped_operations(server: &Server) -> Vec<(String, String, String)> {
    let document = server.get("/openapi.json", &[]).json();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let requirements = operation["security"].as_array().unwrap().iter();
            let scope = requirements.filter_map(|requirement| requirement["api_key"][0].as_str()).next();
            // An id of nothing that exists.
            let path = path.replace("{symbol}", "AAPL").replace("{account}", "alpaca:nobody");
            let path = path.replace("{customer}", "c-nobody").replace("{report}", "holdings");
            let path = path.replace("{key_id}", "nobodyXX").replace("{id}", "424242");
            operations.extend(scope.map(|scope| (method.to_uppercase(), path, scope.to_owned())));
        }
    }
    operations
}

#[test]
fn each_route_accepts_the_scope_that_the_document_names_and_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let server = options(&Database::sqlite_in(directory.path()).url()).set("METRICS_ACCESS", "key").start();
    let operator = first(&server);
    let operations = scoped_operations(&server);
    assert!(operations.len() > 35, "{}", operations.len());
    let schemas = server.get("/openapi.json", &[]).json()["components"]["schemas"].clone();
    let scopes: Vec<String> = schemas["ApiKeyScope"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scope| scope.as_str().unwrap().to_owned())
        .collect();
    assert_eq!(scopes.len(), 13);
    for own in &scopes {
        let body = json!({ "name": own, "role": "admin", "scopes": [own] });
        let (key, _) = create(&server, &operator, &body);
        for (method, path, scope) in &operations {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let response = server.send(method.clone(), path, &[("x-api-key", &key)], None);
            if scope == own {
                assert!(![401, 403].contains(&response.status), "{method} {path} with {own}: {response:?}");
            } else {
                assert_eq!(response.status, 403, "{method} {path} with {own}: {response:?}");
                let problem = response.problem();
                assert_eq!(problem["scope"], **scope, "{method} {path}");
                assert!(problem["detail"].as_str().unwrap().contains(scope.as_str()), "{problem}");
            }
        }
    }
}

#[test]
fn a_key_grants_nothing_that_it_lacks() {
    let (_directory, server) = server();
    let operator = first(&server);
    let body = json!({ "name": "keys", "role": "admin", "scopes": ["keys:admin", "ledger:read"] });
    let (granting, _) = create(&server, &operator, &body);
    let all = server.get(KEYS, &[("x-api-key", &operator)]).json();
    let operator_id = all["keys"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    for (body, expected) in [
        (json!({ "name": "x", "role": "admin" }), 403),
        (json!({ "name": "x", "scopes": ["ledger:read", "market:read"] }), 403),
        (json!({ "name": "x", "role": "trader", "scopes": ["trade:live"], "accounts": [] }), 403),
        (json!({ "name": "x", "scopes": ["keys:admin"] }), 422),
        (json!({ "name": "x", "scopes": ["ledger:read"], "mode": "live" }), 422),
        (json!({ "name": "x", "scopes": ["ledger:read"], "expires_at": "2020-01-01T00:00:00Z" }), 422),
        (json!({ "name": "x", "scopes": ["ledger:read"], "expires_at": "2120-01-01T00:00:00Z" }), 403),
        (json!({ "name": "x", "scopes": ["ledger:read"], "mode": "paper" }), 403),
        (json!({ "name": "x", "scopes": ["ledger:read"], "accounts": ["alpaca:a1"] }), 201),
    ] {
        let response = post(&server, KEYS, &granting, &body);
        assert_eq!(response.status, expected, "{body}: {response:?}");
    }
    // A rotation would show it a key that may do more.
    let rotated = post(&server, &format!("{KEYS}/{operator_id}/rotate"), &granting, &json!({}));
    assert_eq!(rotated.status, 403, "{rotated:?}");
}

#[test]
fn networks_of_a_key_are_compared_with_the_address_that_only_a_trusted_proxy_names() {
    let directory = tempfile::tempdir().unwrap();
    let url = Database::sqlite_in(directory.path()).url();
    let server = options(&url).start();
    let operator = first(&server);
    let body = json!({ "name": "branch", "scopes": ["market:read"], "ips": ["203.0.113.0/24"] });
    let (key, _) = create(&server, &operator, &body);
    let check = |server: &Server, header: &str, value: &str| {
        let response = server.get("/api/symbols", &[("x-api-key", &key), (header, value)]);
        (response.status, response.body)
    };
    for header in ["x-none", "x-forwarded-for", "forwarded", "x-real-ip", "client-ip"] {
        for value in ["203.0.113.9", "for=203.0.113.9"] {
            let (status, body) = check(&server, header, value);
            assert!(status == 403 && body.contains("from this address"), "{header}: {status} {body}");
        }
    }
    drop(server);
    let server = options(&url).set("TRUSTED_PROXIES", "127.0.0.1").start();
    for (value, expected) in [
        ("203.0.113.9", 200),
        ("198.51.100.1, 203.0.113.9", 200),
        ("203.0.113.9, 198.51.100.1", 403),
        ("nonsense", 403),
    ] {
        assert_eq!(check(&server, "x-forwarded-for", value).0, expected, "{value}");
    }
}

#[test]
fn limits_of_a_key_are_its_own() {
    let (_directory, server) = server();
    let operator = first(&server);
    let body = json!({ "name": "slow", "scopes": ["market:read"], "per_minute": 60, "burst": 2 });
    let (key, _) = create(&server, &operator, &body);
    // A burst of two, and one more each second.
    let responses: Vec<Response> =
        (0..20).map(|_| server.get("/api/symbols", &[("x-api-key", &key)])).collect();
    let limited = responses.iter().find(|response| response.status == 429).unwrap();
    for response in [limited, &responses[0]] {
        assert_eq!(response.header("ratelimit-policy"), Some("\"key\";q=60;w=60, \"burst\";q=2;w=2"));
        assert_eq!(response.header("x-ratelimit-limit"), Some("60"));
    }
    assert_eq!(status(&server, &operator), 200);
}

#[test]
fn the_text_of_a_key_is_neither_stored_nor_logged_and_its_use_is_counted() {
    let (directory, mut server) = server();
    let operator = first(&server);
    let (key, id) = create(&server, &operator, &json!({ "name": "client", "scopes": ["market:read"] }));
    assert_eq!(status(&server, &key), 200, "at once, where it was created");
    let rotated = post(&server, &format!("{KEYS}/{id}/rotate"), &operator, &json!({})).json();
    let new = rotated["key"].as_str().unwrap().to_owned();
    assert_eq!(status(&server, &new), 200);
    for path in [format!("/{key}"), format!("{KEYS}/{id}"), KEYS.to_owned()] {
        let response = server.get(&path, &[("x-api-key", &operator), ("user-agent", &key)]);
        assert!(!response.body.contains(&key) && !response.body.contains(&new), "{path}");
    }
    let log = server.stop_and_read_log();
    let files = std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
    let stored: Vec<(String, Vec<u8>)> = files
        .map(|path| (path.display().to_string(), std::fs::read(path).unwrap()))
        .chain([("log".to_owned(), log.into_bytes())])
        .collect();
    for key in [&operator, &key, &new] {
        let secret = key.split('_').nth(3).unwrap();
        for (name, bytes) in &stored {
            let is_there = bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
            assert!(!is_there, "{name}");
        }
    }
    let uses = format!("SELECT uses FROM api_keys WHERE id = '{id}'");
    assert!(Database::sqlite_in(directory.path()).integer(&uses) >= 1);
    let ip = Database::sqlite_in(directory.path())
        .rows("SELECT DISTINCT last_used_ip FROM api_keys WHERE uses > 0");
    assert_eq!(ip, [["127.0.0.1"]]);
}

/// Runs `investiq` on the database of the server: its exit code, standard output and error output.
fn investiq(url: &str, arguments: &str) -> (i32, String, String) {
    let output = Command::new(tests::binary("investiq"))
        .args(arguments.split_whitespace())
        .env_clear()
        .env("DATABASE_URL", url)
        .env("AUDIT_KEY", AUDIT_KEY)
        .current_dir(tempfile::tempdir().unwrap().path())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn an_operator_makes_and_ends_keys_on_the_host_of_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let url = Database::sqlite_in(directory.path()).url();
    let server = options(&url).start();
    let (code, key, said) =
        investiq(&url, "keys create --name reports --scope market:read --account alpaca:a1");
    assert_eq!(code, 0, "{said}");
    let key = key.strip_suffix('\n').unwrap();
    assert!(key.starts_with("iq_test_") && !key.contains('\n'), "the key alone: {key}");
    let id = key.split('_').nth(2).unwrap();
    assert!(said.contains(id) && !said.contains(key), "{said}");
    time_until(&server, key, true);
    let json = |arguments: &str| -> Value {
        let (code, printed, said) = investiq(&url, arguments);
        assert_eq!(code, 0, "{arguments}: {said}");
        serde_json::from_str(&printed).unwrap()
    };
    let listed = json("keys list --json");
    assert_eq!((&listed["keys"][0]["id"], &listed["keys"][0]["state"]), (&json!(id), &json!("active")));
    assert_eq!(json("keys list --unused-for 1d --json")["keys"], json!([]));
    assert_eq!(json(&format!("keys show {id} --json"))["accounts"], json!(["alpaca:a1"]));
    let rotated = json(&format!("keys rotate {id} --overlap 1h --json"));
    time_until(&server, rotated["key"].as_str().unwrap(), true);
    assert_eq!(status(&server, key), 200);
    assert_eq!(json(&format!("keys show {id} --json"))["successor"], rotated["details"]["id"]);
    for _ in 0..2 {
        let revoked = json(&format!("keys revoke {id} --reason leaked --json"));
        assert_eq!((&revoked["state"], &revoked["revocation_reason"]), (&json!("revoked"), &json!("leaked")));
    }
    time_until(&server, key, false);
    assert!(json(&format!("keys usage {id} --json"))["uses"].is_u64());
    for (arguments, expected) in [
        ("keys show nobodyXX".to_owned(), "no API key has this id"),
        (format!("keys rotate {id}"), "revoked"),
        ("keys create --name x --role admin --account alpaca:a1".to_owned(), "accounts"),
        ("keys create --name x --env live".to_owned(), "accepts no live keys"),
        ("keys create --name x --scope ledger:write".to_owned(), "not a scope"),
    ] {
        let (code, printed, said) = investiq(&url, &arguments);
        assert!(code != 0 && printed.is_empty() && said.contains(expected), "{arguments}: {said}");
    }
}
