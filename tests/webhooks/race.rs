//! Copies of one delivery that arrive together, and one that comes back after it could not be kept.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tests::events::AlpacaAccount;
use tests::providers::{Providers, SignedRequest, now};
use tests::volley::{Outcome, volley};
use tests::{Postgres, Server, workspace_root};

use crate::admin::{balance, settle};
use crate::hostile::kept;

const COPIES: usize = 1000;
const CONNECTIONS: usize = 64;

/// Money for an account: 1,000.00 USD.
fn deposit(providers: &Providers, account: &AlpacaAccount) -> SignedRequest {
    providers.alpaca("nta", account.entry(now(), "first", "CSD", "1000.00", "executed"))
}

fn one_row_one_effect(outcomes: &[Outcome], server: &Server, account: &AlpacaAccount) {
    let refused: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.is_acknowledged()).collect();
    assert!(refused.is_empty(), "{} of {} refused: {:?}", refused.len(), outcomes.len(), refused.first());
    let stored = outcomes.iter().filter(|outcome| outcome.standing() == "stored").count();
    let duplicates = outcomes.iter().filter(|outcome| outcome.standing() == "duplicate").count();
    assert_eq!((stored, duplicates), (1, COPIES - 1));
    assert!(outcomes.iter().all(|outcome| outcome.id() == outcomes[0].id()), "one id");
    settle(server);
    assert_eq!(kept(server), 1);
    assert_eq!(balance(server, &account.holder(), "fiat_exposure", "USD"), 100_000);
}

#[test]
fn a_thousand_racing_copies_are_one_row_and_one_effect() {
    let providers = Providers::new();
    let account = AlpacaAccount::named("race");
    let server = providers.options().start();
    let copies = vec![deposit(&providers, &account); COPIES];
    let outcomes = volley(&[server.address()], &copies, CONNECTIONS);
    one_row_one_effect(&outcomes, &server, &account);
}

#[test]
fn a_thousand_racing_copies_to_two_servers_over_one_postgres_are_one_row_and_one_effect() {
    let (providers, postgres) = (Providers::new(), Postgres::start());
    let account = AlpacaAccount::named("race");
    let options = providers.options().set("DATABASE_URL", postgres.database("race"));
    let (one, two) = (options.start(), options.start());
    let copies = vec![deposit(&providers, &account); COPIES];
    let outcomes = volley(&[one.address(), two.address()], &copies, CONNECTIONS);
    one_row_one_effect(&outcomes, &one, &account);
}

/// Another process that holds the one write lock of a SQLite file; it lets go when it is dropped.
struct WriteLock(Child);

impl WriteLock {
    fn take(file: &Path) -> Self {
        let script = "import sqlite3, sys\n\
            held = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)\n\
            held.execute('BEGIN IMMEDIATE')\n\
            print('held', flush=True)\n\
            sys.stdin.read()\n\
            held.execute('ROLLBACK')\n";
        let mut child = Command::new(workspace_root().join("target/venv/bin/python"))
            .args(["-c", script])
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
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
fn what_could_not_be_kept_is_accepted_when_it_comes_again() {
    let providers = Providers::new();
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("investiq.db");
    let server = providers.options().database_file(&file).start();
    let account = AlpacaAccount::named("again");
    let request = deposit(&providers, &account);
    let lock = WriteLock::take(&file);
    let answer = server.deliver(&request);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some_and(|value| value.parse::<u32>().is_ok()), "{answer:?}");
    let _ = answer.problem();
    drop(lock);
    server.until("the same bytes are accepted", |server| server.deliver(&request).status == 200);
    settle(&server);
    assert_eq!((kept(&server), balance(&server, &account.holder(), "fiat_exposure", "USD")), (1, 100_000));
}

#[test]
fn what_postgres_could_not_keep_is_accepted_when_it_comes_again() {
    let (providers, mut postgres) = (Providers::new(), Postgres::start());
    let server = providers.options().set("DATABASE_URL", postgres.database("again")).start();
    let account = AlpacaAccount::named("again");
    let request = deposit(&providers, &account);
    postgres.stop();
    let answer = server.deliver(&request);
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some_and(|value| value.parse::<u32>().is_ok()), "{answer:?}");
    postgres.start_again();
    server.until("the same bytes are accepted", |server| server.deliver(&request).status == 200);
    settle(&server);
    assert_eq!((kept(&server), balance(&server, &account.holder(), "fiat_exposure", "USD")), (1, 100_000));
}
