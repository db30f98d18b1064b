//! Kills the server under load a few times; `tools/kill` does it hundreds of times.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod campaign;

use campaign::{Backend, run};

#[test]
fn acknowledged_deliveries_survive_kills_on_sqlite_and_are_applied_once() {
    let tally = run(Backend::Sqlite, 5, 1, |_| {});
    assert!(tally.acknowledged > 0, "{tally:?}");
    eprintln!("{tally:?}");
}

#[test]
fn acknowledged_deliveries_survive_kills_on_postgres_and_are_applied_once() {
    let tally = run(Backend::Postgres, 3, 2, |_| {});
    assert!(tally.acknowledged > 0, "{tally:?}");
    eprintln!("{tally:?}");
}

/// `PGBOUNCER_KILLS=50` is the long form.
#[test]
#[expect(clippy::disallowed_methods, reason = "it is a setting of the test alone")]
fn acknowledged_deliveries_survive_kills_of_postgres_behind_a_pooler() {
    let kills = std::env::var("PGBOUNCER_KILLS").map_or(3, |kills| kills.parse().unwrap());
    let tally = run(Backend::Pgbouncer, kills, 3, |_| {});
    assert!(tally.acknowledged > 0, "{tally:?}");
    eprintln!("{tally:?}");
}
