//! A step of the server that stands still until it is lifted.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tests::database::Database;
use tests::{Postgres, workspace_root};

/// Longest wait for the server to come to a step, or to have done everything.
const WAIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(20);
/// Looks in a row at which somebody else holds SQLite's write lock, before we say that it stands still.
const HELD_LOOKS: usize = 6;
/// The advisory lock that steps wait for.
const LOCK: u32 = 4_242;
/// A trigger of SQLite cannot wait, but it can count: to a hundred million, for longer than we look.
const SLOW_VIEW: &str = "CREATE VIEW hold_still_numbers AS WITH RECURSIVE number(n) AS \
    (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000000) SELECT n FROM number";
/// Tables that have no part in an event: who is elected, how far a stream was read, which tables there are.
const APART: [&str; 3] = ["leases", "stream_cursors", "schema_migrations"];
/// Tables of which one is written in every transaction that there is for an event: stopping at the commit of these is
/// stopping at each commit.
const AT_COMMIT: [&str; 3] = ["webhook_events", "webhook_work", "marks"];

/// A step: a row of this table is written, with a condition; or the transaction that wrote it commits.
#[derive(Clone, Debug)]
pub(super) struct Point {
    table: String,
    operation: &'static str,
    condition: Option<String>,
    is_commit: bool,
}

/// Every step that may be taken for an event, as far as the tables show.
pub(super) fn points(database: &Database) -> Vec<Point> {
    let tables = match database {
        Database::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
        Database::Postgres(..) => {
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        }
    };
    let tables = database.rows(tables).into_iter().map(|mut row| row.remove(0));
    let tables = tables.filter(|name| !name.starts_with("_sqlx") && !name.starts_with("sqlite_"));
    let tables: Vec<String> = tables.filter(|name| !APART.contains(&name.as_str())).collect();
    let mut points = Vec::new();
    for table in &tables {
        for operation in ["INSERT", "UPDATE"] {
            for condition in conditions(database, table) {
                let point = Point { table: table.clone(), operation, condition, is_commit: false };
                let has_commit =
                    matches!(database, Database::Postgres(..)) && AT_COMMIT.contains(&table.as_str());
                points.extend(has_commit.then(|| Point { is_commit: true, ..point.clone() }));
                points.push(point);
            }
        }
    }
    points
}

/// One table is written for several purposes, which are told apart by what is written.
fn conditions(database: &Database, table: &str) -> Vec<Option<String>> {
    let column = match table {
        "audit_entries" => "action",
        "webhook_work" => "state",
        _ => return vec![None],
    };
    let mut values: Vec<String> = database
        .rows(&format!("SELECT DISTINCT {column} FROM {table}"))
        .into_iter()
        .map(|mut row| row.remove(0))
        .collect();
    if table == "webhook_work" {
        values = ["pending", "leased", "done"].map(str::to_owned).to_vec();
    }
    values.into_iter().map(|value| Some(format!("NEW.{column} = '{value}'"))).collect()
}

/// What holds the step.
pub(super) enum Stop {
    /// A session that holds the lock.
    Lock(Child),
    /// The trigger itself takes its time.
    Slow,
}

impl Stop {
    pub(super) fn at(database: &Database, point: &Point) -> Self {
        match database {
            Database::Postgres(cluster, name) => {
                let session = hold_lock(cluster, name);
                cluster.run(name, &waiting_trigger(point));
                Self::Lock(session)
            }
            Database::Sqlite(_) => {
                let _ = database.rows(SLOW_VIEW);
                let _ = database.rows(&slow_trigger(point));
                Self::Slow
            }
        }
    }

    /// Waits until the server stands there, or has done everything without coming there; which of the two.
    pub(super) fn is_reached(&self, database: &Database, is_done: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + WAIT;
        let mut held = 0;
        while Instant::now() < deadline {
            held = if self.stands(database) { held + 1 } else { 0 };
            let enough = if matches!(self, Self::Lock(_)) { 1 } else { HELD_LOOKS };
            if held >= enough {
                return true;
            }
            if held == 0 && is_done() {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
        false
    }

    fn stands(&self, database: &Database) -> bool {
        match (self, database) {
            (Self::Lock(_), _) => database.number(&format!(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {LOCK} AND NOT granted"
            )) > 0,
            (Self::Slow, Database::Sqlite(file)) => {
                let script = "import sqlite3, sys\n\
                    try:\n\
                    \x20   one = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)\n\
                    \x20   one.execute('BEGIN IMMEDIATE')\n\
                    \x20   one.execute('ROLLBACK')\n\
                    except sqlite3.OperationalError:\n\
                    \x20   sys.exit(7)\n";
                let python = workspace_root().join("target/venv/bin/python");
                Command::new(python).args(["-c", script]).arg(file).status().unwrap().code() == Some(7)
            }
            (Self::Slow, Database::Postgres(..)) => false,
        }
    }

    /// Lets the step go on, if anyone is left to take it, and takes the trigger away.
    pub(super) fn lift(self, database: &Database) {
        match (self, database) {
            (Self::Lock(mut session), Database::Postgres(cluster, name)) => {
                drop(session.stdin.take());
                session.wait().unwrap();
                // The table is free when the server's last transaction has ended one way or the other.
                cluster.run(name, "DROP FUNCTION hold_still CASCADE");
            }
            (_, database) => {
                let _ = database.rows("DROP TRIGGER hold_still");
                let _ = database.rows("DROP VIEW hold_still_numbers");
            }
        }
    }
}

fn hold_lock(cluster: &Postgres, database: &str) -> Child {
    let mut session = Command::new("psql")
        .args(["-X", "-q", "-A", "-t", &cluster.url(database)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let input = session.stdin.as_mut().unwrap();
    writeln!(input, "SELECT 'held' FROM (SELECT pg_advisory_lock({LOCK})) AS lock;").unwrap();
    input.flush().unwrap();
    let mut line = String::new();
    BufReader::new(session.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    session
}

fn waiting_trigger(point: &Point) -> String {
    let Point { table, operation, condition, is_commit } = point;
    let when = condition.as_ref().map_or_else(String::new, |condition| format!("WHEN ({condition})"));
    let (kind, deferred) =
        if *is_commit { ("CONSTRAINT TRIGGER", "DEFERRABLE INITIALLY DEFERRED") } else { ("TRIGGER", "") };
    format!(
        "CREATE FUNCTION hold_still() RETURNS trigger LANGUAGE plpgsql AS \
         $$BEGIN PERFORM pg_advisory_xact_lock_shared({LOCK}); RETURN NULL; END$$; \
         CREATE {kind} hold_still AFTER {operation} ON {table} {deferred} \
         FOR EACH ROW {when} EXECUTE FUNCTION hold_still()"
    )
}

fn slow_trigger(point: &Point) -> String {
    let Point { table, operation, condition, .. } = point;
    let when = condition.as_ref().map_or_else(String::new, |condition| format!("WHEN {condition}"));
    format!(
        "CREATE TRIGGER hold_still AFTER {operation} ON {table} {when} \
         BEGIN SELECT count(*) FROM hold_still_numbers; END"
    )
}
