//! What `/metrics` says of the process itself, and of its database; and what promtool says of `/metrics`.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tests::events::circle_test;
use tests::providers::{ADMIN_KEY, Providers, now};
use tests::{Postgres, Server, ServerOptions};

/// CPU time of one scrape of a debug build. A release build needs a quarter of it.
const SCRAPE_MAX: Duration = Duration::from_millis(15);
const SCRAPES: u32 = 50;

fn value(server: &Server, series: &str) -> f64 {
    server.metric(series).unwrap_or_else(|| panic!("{series} is missing"))
}

#[test]
fn the_runtime_and_the_allocator_are_described() {
    let server = ServerOptions::new().start();
    let busy_s = value(&server, "tokio_busy_seconds_total");
    server.wait_until("threads have been busy", |server| value(server, "tokio_busy_seconds_total") > busy_s);
    let workers = value(&server, "tokio_workers");
    assert!((1.0..=1024.0).contains(&workers), "{workers}");
    assert!(value(&server, "tokio_tasks") > 5.0, "its background work");
    assert!(value(&server, "tokio_queue_depth") >= 0.0);
    let (allocated, resident) =
        (value(&server, "allocator_allocated_bytes"), value(&server, "allocator_resident_bytes"));
    assert!(1e6 < allocated && allocated < resident && resident < 1e9, "{allocated} of {resident}");
    let with_limit = server.metric("cgroup_memory_limit_bytes").is_some();
    assert_eq!(with_limit, server.metric("cgroup_memory_bytes").is_some());
}

#[test]
fn replicas_with_other_settings_have_another_hash() {
    let hash = |options: ServerOptions| {
        let text = options.start().get("/metrics", &[]).body;
        let line = text.lines().find(|line| line.starts_with("investiq_config_info{")).unwrap().to_owned();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let one = hash(ServerOptions::new());
    assert_eq!(one, hash(ServerOptions::new()));
    assert_ne!(one, hash(ServerOptions::new().set("REQUEST_TIMEOUT_SECS", "7")));
}

#[test]
fn connections_and_transactions_of_either_database_are_counted() {
    let (providers, postgres) = (Providers::new(), Postgres::start());
    let sqlite = providers.options();
    for options in [sqlite.clone(), sqlite.set("DATABASE_URL", postgres.create_database("counted"))] {
        let server = options.start();
        assert_eq!(server.deliver(&providers.circle(circle_test(now()))).status, 200);
        for statement in ["insert_delivery", "claim_jobs", "apply", "check_storage", "business"] {
            let count = format!("database_query_duration_seconds_count{{statement=\"{statement}\"}}");
            server.wait_until(&count, |server| server.metric(&count).is_some_and(|count| count >= 1.0));
        }
        let inserted_s = value(&server, "database_query_duration_seconds_sum{statement=\"insert_delivery\"}");
        assert!(inserted_s > 0.0 && inserted_s < 5.0, "{inserted_s}");
        assert_eq!(value(&server, "database_connections_max"), 11.0);
        let open = value(&server, "database_connections{state=\"idle\"}")
            + value(&server, "database_connections{state=\"in_use\"}");
        assert!((1.0..=11.0).contains(&open), "{open}");
        server.wait_until("nobody waits", |server| value(server, "database_connections_waiting") == 0.0);
    }
}

fn promtool_check(page: &str) -> Output {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("tests/run installs promtool");
    child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn the_linter_of_prometheus_has_no_complaint() {
    let server = Providers::new().options().start();
    assert_eq!(server.get("/api/analyze/AAPL", &[("x-api-key", ADMIN_KEY)]).status, 200);
    let page = server.get("/metrics", &[]).body;
    let checked = promtool_check(&page);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    let renamed = page.replace("investiq_users_registered", "investiq_users_registered_total");
    assert!(!promtool_check(&renamed).status.success(), "a gauge whose name is that of a counter");
}

#[test]
fn a_scrape_takes_little_time() {
    let server = ServerOptions::new().start();
    let used_s = || {
        let page = server.get("/metrics", &[]).body;
        let line = page.lines().find_map(|line| line.strip_prefix("process_cpu_seconds_total ")).unwrap();
        (line.parse::<f64>().unwrap(), page.len())
    };
    let (before_s, bytes) = used_s();
    for _ in 1..SCRAPES {
        used_s();
    }
    let used = Duration::from_secs_f64(used_s().0 - before_s) / SCRAPES;
    println!("a scrape of {bytes} bytes: {used:?} of CPU");
    assert!(used < SCRAPE_MAX, "{used:?}");
}
