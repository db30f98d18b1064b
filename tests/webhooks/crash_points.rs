//! Kills the server at each of its steps: at each kind of write to each table, and at commit.
//!
//! Database triggers pause it there: on Postgres by waiting for a lock, on SQLite by counting for a long time. So each kill
//! hits its step without a hook in the product.

mod breakpoint;

use std::collections::BTreeSet;

use tests::database::Database;
use tests::events::{AlpacaAccount, Trade};
use tests::load::{send_all, send_until_acknowledged};
use tests::providers::{Providers, SignedRequest, now};
use tests::{Server, ServerOptions};

use crate::admin::{balance, get_json, wait_until_applied};
use breakpoint::{Breakpoint, Step};

/// Distinct steps of a delivery and its effect at which the server must have been killed.
const STEPS_MIN: usize = 8;

/// One account's events at one step: a deposit of a dollar, and a share for half of it.
struct Subject {
    account: AlpacaAccount,
    requests: Vec<SignedRequest>,
}

impl Subject {
    fn new(providers: &Providers, name: &str) -> Self {
        let account = AlpacaAccount::named(name);
        let purchase = Trade {
            event: "fill",
            order: "one share",
            side: "buy",
            symbol: "AAPL",
            qty: "1",
            filled: Some(("1", "0.50")),
            execution: Some(("1", "0.50")),
            limit: None,
        };
        let requests = vec![
            providers.alpaca("account", account.status(now(), "APPROVED", "ACTIVE")),
            providers.alpaca("nta", account.entry(now(), "a dollar", "CSD", "1.00", "executed")),
            providers.alpaca("trade", account.trade(now(), &purchase)),
        ];
        Self { account, requests }
    }

    fn assert_applied_once(&self, server: &Server, step: &Step) {
        let cash = balance(server, &self.account.holder(), "fiat_exposure", "USD");
        assert_eq!(cash, 50, "{step:?}");
        let portfolio = get_json(server, &format!("/api/portfolio/{}", self.account.holder()));
        assert_eq!(portfolio["positions"][0]["quantity"], "1", "{step:?}: {portfolio}");
    }
}

/// Kills a server at this step; returns whether it reached the step.
fn kill_at(options: &ServerOptions, database: &Database, subject: &Subject, step: &Step) -> bool {
    let server = options.start();
    let breakpoint = Breakpoint::set(database, step);
    let (address, requests) = (server.address(), subject.requests.clone());
    let sending = std::thread::spawn(move || send_all(&[address], &requests, 1));
    let is_reached = breakpoint.is_reached(database, || sending.is_finished() && open_jobs(database) == 0);
    server.signal("KILL");
    breakpoint.remove(database);
    let outcomes = sending.join().unwrap();
    drop(server);
    database.expire_leases();
    let server = options.start();
    // Sends the acknowledged deliveries again, too.
    let repeated = send_until_acknowledged(&[server.address()], &subject.requests, 1);
    for (before, after) in outcomes.iter().zip(&repeated).filter(|(before, _)| before.is_acknowledged()) {
        assert_eq!((after.receipt_status().as_str(), after.id()), ("duplicate", before.id()), "{step:?}");
    }
    wait_until_applied(&server);
    subject.assert_applied_once(&server, step);
    is_reached
}

fn open_jobs(database: &Database) -> i64 {
    database.integer("SELECT count(*) FROM webhook_jobs WHERE state IN ('pending', 'leased')")
}

fn kill_at_every_step(providers: &Providers, database: &Database) {
    let options = providers.options().set("DATABASE_URL", database.url());
    // A run without a kill shows which tables, states and actions there are.
    let server = options.start();
    let first = Subject::new(providers, "never killed");
    drop(send_until_acknowledged(&[server.address()], &first.requests, 1));
    wait_until_applied(&server);
    drop(server);
    let steps = breakpoint::steps(database);
    let mut killed = BTreeSet::new();
    for (number, step) in steps.iter().enumerate() {
        let subject = Subject::new(providers, &format!("crash point {number}"));
        if kill_at(&options, database, &subject, step) {
            killed.insert(format!("{step:?}"));
        }
    }
    assert!(killed.len() >= STEPS_MIN, "{killed:#?}");
    assert_eq!(database.integer("SELECT coalesce(sum(minor), 0) FROM ledger_entries"), 0);
    eprintln!("killed at {} of {} steps: {killed:#?}", killed.len(), steps.len());
}

#[test]
fn a_server_killed_at_any_step_on_postgres_applies_each_event_once() {
    kill_at_every_step(&Providers::new(), &Database::on_postgres());
}

#[test]
fn a_server_killed_at_any_step_on_sqlite_applies_each_event_once() {
    let directory = tempfile::tempdir().unwrap();
    kill_at_every_step(&Providers::new(), &Database::sqlite_in(directory.path()));
}
