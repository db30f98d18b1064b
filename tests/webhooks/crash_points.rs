//! The server killed at each step that it takes: while it writes each table, and while it commits.
//!
//! The steps are stopped from outside, by triggers of the database: one that waits for a lock on Postgres, one that counts
//! for a long time on SQLite. So each kill hits the step that it is meant for, without a hook in the product.

mod stop;

use std::collections::BTreeSet;

use tests::database::Database;
use tests::events::{AlpacaAccount, Trade};
use tests::providers::{Providers, SignedRequest, now};
use tests::volley::{volley, volley_until_acknowledged};
use tests::{Server, ServerOptions};

use crate::admin::{balance, read, settle};
use stop::{Point, Stop};

/// Fewest different steps that a delivery and its effect must have been killed at.
const STEPS_MIN: usize = 8;

/// One account's events at one crash point: a dollar deposited, half of it spent on a share.
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

    fn assert_applied_once(&self, server: &Server, point: &Point) {
        let cash = balance(server, &self.account.holder(), "fiat_exposure", "USD");
        assert_eq!(cash, 50, "{point:?}");
        let portfolio = read(server, &format!("/api/portfolio/{}", self.account.holder()));
        assert_eq!(portfolio["positions"][0]["quantity"], "1", "{point:?}: {portfolio}");
    }
}

/// Kills a server at this point; whether it came there at all.
fn kill_at(options: &ServerOptions, database: &Database, subject: &Subject, point: &Point) -> bool {
    let server = options.start();
    let stop = Stop::at(database, point);
    let (address, requests) = (server.address(), subject.requests.clone());
    let sending = std::thread::spawn(move || volley(&[address], &requests, 1));
    let is_there = stop.is_reached(database, || sending.is_finished() && open(database) == 0);
    server.signal("KILL");
    stop.lift(database);
    let outcomes = sending.join().unwrap();
    drop(server);
    database.end_leases();
    let server = options.start();
    let again: Vec<SignedRequest> = subject.requests.clone();
    // A provider sends again what was not acknowledged; what was is sent again, too.
    let repeated = volley_until_acknowledged(&[server.address()], &again, 1);
    for (before, after) in outcomes.iter().zip(&repeated).filter(|(before, _)| before.is_acknowledged()) {
        assert_eq!((after.standing().as_str(), after.id()), ("duplicate", before.id()), "{point:?}");
    }
    settle(&server);
    subject.assert_applied_once(&server, point);
    is_there
}

/// Pieces of work that are not finished.
fn open(database: &Database) -> i64 {
    database.number("SELECT count(*) FROM webhook_work WHERE state IN ('pending', 'leased')")
}

fn every_point(providers: &Providers, database: &Database) {
    let options = providers.options().set("DATABASE_URL", database.url());
    // What a server does that is not killed shows which tables, states and actions there are.
    let server = options.start();
    let first = Subject::new(providers, "never killed");
    drop(volley_until_acknowledged(&[server.address()], &first.requests, 1));
    settle(&server);
    drop(server);
    let points = stop::points(database);
    let mut killed = BTreeSet::new();
    for (number, point) in points.iter().enumerate() {
        let subject = Subject::new(providers, &format!("crash point {number}"));
        if kill_at(&options, database, &subject, point) {
            killed.insert(format!("{point:?}"));
        }
    }
    assert!(killed.len() >= STEPS_MIN, "{killed:#?}");
    assert_eq!(database.number("SELECT coalesce(sum(minor), 0) FROM ledger_entries"), 0);
    eprintln!("killed at {} of {} points: {killed:#?}", killed.len(), points.len());
}

#[test]
fn a_server_killed_at_any_step_on_postgres_applies_each_event_once() {
    every_point(&Providers::new(), &Database::on_postgres());
}

#[test]
fn a_server_killed_at_any_step_on_sqlite_applies_each_event_once() {
    let place = tempfile::tempdir().unwrap();
    every_point(&Providers::new(), &Database::sqlite_in(place.path()));
}
