//! Concurrent copies of one delivery, and a retry after a failed write.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tests::events::AlpacaAccount;
use tests::load::{Outcome, send_all};
use tests::providers::{Providers, SignedRequest, now};
use tests::{Postgres, Server, workspace_root};

use crate::admin::{balance, wait_until_applied};
use crate::hostile::event_count;

const COPIES: usize = 1000;
const CONNECTIONS: usize = 64;

/// 1,000.00 USD.
fn deposit(providers: &Providers, account: &AlpacaAccount) -> SignedRequest {
    providers.alpaca("nta", account.entry(now(), "first", "CSD", "1000.00", "executed"))
}

fn assert_stored_and_applied_once(outcomes: &[Outcome], server: &Server, account: &AlpacaAccount) {
    let rejected: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_acknowledged()).collect();
    assert!(rejected.is_empty(), "{} of {} rejected: {:?}", rejected.len(), outcomes.len(), rejected.first());
    let stored = outcomes.iter().filter(|outcome| outcome.receipt_status() == "stored").count();
    let duplicates = outcomes.iter().filter(|outcome| outcome.receipt_status() == "duplicate").count();
    assert_eq!((stored, duplicates), (1, COPIES - 1));
    assert!(outcomes.iter().all(|outcome| outcome.id() == outcomes[0].id()), "one id");
    wait_until_applied(server);
    assert_eq!(event_count(server), 1);
    assert_eq!(balance(server, &account.holder(), "fiat_exposure", "USD"), 100_000);
}

#[test]
fn a_thousand_concurrent_copies_are_stored_and_applied_once() {
    let providers = Providers::new();
    let account = AlpacaAccount::named("race");
    let server = providers.options().start();
    let copies = vec![deposit(&providers, &account); COPIES];
    let outcomes = send_all(&[server.address()], &copies, CONNECTIONS);
    assert_stored_and_applied_once(&outcomes, &server, &account);
}

#[test]
fn a_thousand_concurrent_copies_to_two_servers_are_stored_and_applied_once() {
    let (providers, postgres) = (Providers::new(), Postgres::start());
    let account = AlpacaAccount::named("race");
    let options = providers.options().set("DATABASE_URL", postgres.create_database("race"));
    let (one, two) = (options.start(), options.start());
    let copies = vec![deposit(&providers, &account); COPIES];
    let outcomes = send_all(&[one.address(), two.address()], &copies, CONNECTIONS);
    assert_stored_and_applied_once(&outcomes, &one, &account);
}

/// A process that holds the write lock of a SQLite file until it is dropped.
struct WriteLock(Child);

impl WriteLock {
    fn acquire(file: &Path) -> Self {
        let script = "import sqlite3, sys\n\
            connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n\
            connection.execute('BEGIN IMMEDIATE')\n\
            print('locked', flush=True)\n\
            sys.stdin.read()\n\
            connection.execute('ROLLBACK')\n";
        let mut child = Command::new(workspace_root().join("target/venv/bin/python"))
            .args(["-c", script])
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "locked\n");
        Self(child)
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        // It reads until its input ends.
        drop(self.0.stdin.take().map(|mut input| input.flush()));
        drop(self.0.wait());
    }
}

#[test]
fn a_delivery_that_sqlite_could_not_store_is_accepted_on_retry() {
    let providers = Providers::new();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("investiq.db");
    let server = providers.options().database_file(&file).start();
    let account = AlpacaAccount::named("again");
    let request = deposit(&providers, &account);
    let lock = WriteLock::acquire(&file);
    let response = server.deliver(&request);
    assert_eq!(response.status, 503, "{response:?}");
    assert!(response.header("retry-after").is_some_and(|value| value.parse::<u32>().is_ok()), "{response:?}");
    let _ = response.problem();
    drop(lock);
    server.wait_until("the same bytes are accepted", |server| server.deliver(&request).status == 200);
    wait_until_applied(&server);
    assert_eq!(
        (event_count(&server), balance(&server, &account.holder(), "fiat_exposure", "USD")),
        (1, 100_000)
    );
}

#[test]
fn a_delivery_that_postgres_could_not_store_is_accepted_on_retry() {
    let (providers, mut postgres) = (Providers::new(), Postgres::start());
    let server = providers.options().set("DATABASE_URL", postgres.create_database("again")).start();
    let account = AlpacaAccount::named("again");
    let request = deposit(&providers, &account);
    postgres.stop();
    let response = server.deliver(&request);
    assert_eq!(response.status, 503, "{response:?}");
    assert!(response.header("retry-after").is_some_and(|value| value.parse::<u32>().is_ok()), "{response:?}");
    postgres.start_again();
    server.wait_until("the same bytes are accepted", |server| server.deliver(&request).status == 200);
    wait_until_applied(&server);
    assert_eq!(
        (event_count(&server), balance(&server, &account.holder(), "fiat_exposure", "USD")),
        (1, 100_000)
    );
}
