//! The database file of a running server is removed or replaced: nothing is acknowledged or overwritten from then on, and the
//! server does not start again until an operator has said which database is to be continued.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tests::events::AlpacaAccount;
use tests::load::{Outcome, send_all};
use tests::providers::{Providers, now};
use tests::{Response, Server, ServerOptions};

const DELIVERIES: usize = 20;
const CONNECTIONS: usize = 4;
/// After it nothing is acknowledged.
const NOTICED_WITHIN: Duration = Duration::from_secs(1);
/// The audit key of the tests' servers.
const AUDIT_KEY: &str = "+K5ZMjQynwolms9MUptlqDHTQzXy4xnJ3qNqBlR161Y=";

/// A database with some deliveries, an older copy of it, and one that is another's.
struct Fixture {
    directory: tempfile::TempDir,
    providers: Providers,
    sent: usize,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut fixture = Self { directory, providers: Providers::new(), sent: 0 };
        for file in ["other.db", "investiq.db", "investiq.db"] {
            if fixture.path("investiq.db").exists() {
                // A server that has stopped leaves the whole database in one file.
                std::fs::copy(fixture.path("investiq.db"), fixture.path("older.db")).unwrap();
            }
            let mut server = fixture.options(file).start();
            assert!(fixture.send(&server).iter().all(Outcome::is_acknowledged));
            server.stop_and_read_log();
        }
        fixture
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    fn options(&self, file: &str) -> ServerOptions {
        self.providers.options().database_file(&self.path(file))
    }

    fn send(&mut self, server: &Server) -> Vec<Outcome> {
        let account = AlpacaAccount::named("storage");
        let numbers = self.sent..self.sent + DELIVERIES;
        self.sent = numbers.end;
        let sign = |number: usize| {
            let body = account.entry(now(), &format!("deposit {number}"), "CSD", "1.00", "executed");
            self.providers.alpaca("nta", body)
        };
        send_all(&[server.address()], &numbers.map(sign).collect::<Vec<_>>(), CONNECTIONS)
    }

    fn investiq(&self, arguments: &[&str]) -> (i32, String) {
        let output = Command::new(tests::binary("investiq"))
            .args(arguments)
            .env_clear()
            .env("DATABASE_URL", format!("sqlite:{}", self.path("investiq.db").display()))
            .env("AUDIT_KEY", AUDIT_KEY)
            .env("SECRETS_DIR", "/nowhere")
            .output()
            .expect("the investiq binary starts: build it with `cargo build -p ops`");
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(text).unwrap())
    }
}

/// Replaces the database under a running server, and then follows the documented way back.
fn check(replace: fn(&Fixture, &Path), fault: &str) {
    let mut fixture = Fixture::new();
    let database = fixture.path("investiq.db");
    let mut server = fixture.options("investiq.db").start();
    assert!(fixture.send(&server).iter().all(Outcome::is_acknowledged));
    server.wait_until("its state is recorded", |server| server.get("/readyz", &[]).status == 200);

    replace(&fixture, &database);
    let bytes = std::fs::read(&database).ok();
    std::thread::sleep(NOTICED_WITHIN);
    for outcome in fixture.send(&server) {
        assert_eq!(outcome.status, Some(503), "{outcome:?}");
        assert!(outcome.body.contains(fault) && outcome.body.contains("operator"), "{outcome:?}");
    }
    server.wait_until("it is not ready", |server| server.get("/readyz", &[]).status == 503);
    let not_ready: Response = server.get("/readyz", &[]);
    assert!(not_ready.body.contains(fault), "{not_ready:?}");
    server.stop_and_read_log();
    assert_eq!(std::fs::read(&database).ok(), bytes, "no byte of it is changed");

    let (status, log) = fixture.options("investiq.db").start_failure();
    assert!(!status.success() && log.contains("investiq storage accept"), "{log}");
    let (code, text) = fixture.investiq(&["webhooks", "list"]);
    assert_eq!(code, 2, "{text}");
    assert_eq!(std::fs::read(&database).ok(), bytes, "no byte of it is changed");

    // The log is not that of the database which is continued.
    let (code, text) = fixture.investiq(&["storage", "accept"]);
    assert!(code == 2 && text.contains("investiq.db-wal"), "{text}");
    for log in ["investiq.db-wal", "investiq.db-shm"] {
        std::fs::rename(fixture.path(log), fixture.path(&format!("{log}.before"))).unwrap();
    }
    let (code, text) = fixture.investiq(&["storage", "accept"]);
    assert!(code == 0 && text.contains("epoch 2"), "{text}");
    assert_eq!(fixture.investiq(&["audit", "verify"]).0, 0);
    let mut server = fixture.options("investiq.db").start();
    assert!(fixture.send(&server).iter().all(Outcome::is_acknowledged));
    server.stop_and_read_log();
    let (_, text) = fixture.investiq(&["storage", "accept"]);
    assert!(text.contains("nothing to accept"), "{text}");
}

#[test]
fn a_removed_database_stops_acknowledging() {
    check(|_, database| std::fs::remove_file(database).unwrap(), "the database file was removed or replaced");
}

#[test]
fn an_older_copy_that_is_moved_over_the_database_stops_acknowledging() {
    let replace = |fixture: &Fixture, database: &Path| {
        std::fs::rename(fixture.path("older.db"), database).unwrap();
    };
    check(replace, "the database file was removed or replaced");
}

#[test]
fn the_database_of_another_that_is_moved_over_it_stops_acknowledging() {
    let replace = |fixture: &Fixture, database: &Path| {
        std::fs::rename(fixture.path("other.db"), database).unwrap();
    };
    check(replace, "the database file was removed or replaced");
}

#[test]
fn an_older_copy_that_is_written_into_the_file_stops_acknowledging() {
    let replace = |fixture: &Fixture, database: &Path| {
        std::fs::write(database, std::fs::read(fixture.path("older.db")).unwrap()).unwrap();
    };
    check(replace, "the database was replaced by an older copy");
}

#[test]
fn the_database_of_another_that_is_written_into_the_file_stops_acknowledging() {
    let replace = |fixture: &Fixture, database: &Path| {
        std::fs::write(database, std::fs::read(fixture.path("other.db")).unwrap()).unwrap();
    };
    check(replace, "the database was replaced by another one");
}

/// The newest database is put back, log and all.
#[test]
fn a_database_that_is_restored_is_continued_without_an_acceptance() {
    let mut fixture = Fixture::new();
    let mut server = fixture.options("investiq.db").start();
    assert!(fixture.send(&server).iter().all(Outcome::is_acknowledged));
    std::fs::rename(fixture.path("investiq.db"), fixture.path("away.db")).unwrap();
    assert!(fixture.send(&server).iter().all(|outcome| outcome.status == Some(503)));
    server.stop_and_read_log();
    std::fs::rename(fixture.path("away.db"), fixture.path("investiq.db")).unwrap();
    let mut server = fixture.options("investiq.db").start();
    assert!(fixture.send(&server).iter().all(Outcome::is_acknowledged));
    server.stop_and_read_log();
    assert_eq!(fixture.investiq(&["audit", "verify"]).0, 0);
}
