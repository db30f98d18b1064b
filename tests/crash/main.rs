//! The server killed under load, in short; `tests/kill` does it hundreds of times.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod campaign;

use campaign::{Backend, run};

#[test]
fn what_was_acknowledged_survives_kills_on_sqlite_and_is_applied_once() {
    let tally = run(Backend::Sqlite, 5, 1, |_| {});
    assert!(tally.acknowledged > 0, "{tally:?}");
    eprintln!("{tally:?}");
}

#[test]
fn what_was_acknowledged_survives_kills_on_postgres_and_is_applied_once() {
    let tally = run(Backend::Postgres, 3, 2, |_| {});
    assert!(tally.acknowledged > 0, "{tally:?}");
    eprintln!("{tally:?}");
}
