//! Pauses the server at a step until the breakpoint is removed.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tests::database::Database;
use tests::{Postgres, workspace_root};

/// For the server to reach a step, or to finish.
const TIMEOUT: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Checks in a row that must find SQLite's write lock held, before the server counts as paused.
const LOCKED_CHECKS: usize = 6;
/// The advisory lock for which paused steps wait.
const LOCK: u32 = 4_242;
/// A trigger of SQLite cannot wait, but it can count: to a hundred million, which takes longer than the checks.
const SLOW_VIEW: &str = "CREATE VIEW breakpoint_numbers AS WITH RECURSIVE number(n) AS \
    (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 100000000) SELECT n FROM number";
/// Tables that no event writes: leader leases, stream cursors, migrations.
const UNRELATED: [&str; 3] = ["leader_leases", "stream_cursors", "schema_migrations"];
/// Every transaction for an event writes one of these, so their commits are all commits.
const AT_COMMIT: [&str; 3] = ["webhook_events", "webhook_jobs", "prices"];

/// A write of a row that meets the condition, or the commit of that transaction.
#[derive(Clone, Debug)]
pub(super) struct Step {
    table: String,
    operation: &'static str,
    condition: Option<String>,
    is_commit: bool,
}

/// Every step of an event, as far as the tables show.
pub(super) fn steps(database: &Database) -> Vec<Step> {
    let tables = match database {
        Database::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
        Database::Postgres(..) => {
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
        }
    };
    let tables = database.rows(tables).into_iter().map(|mut row| row.remove(0));
    let tables = tables.filter(|name| !name.starts_with("_sqlx") && !name.starts_with("sqlite_"));
    let tables: Vec<String> = tables.filter(|name| !UNRELATED.contains(&name.as_str())).collect();
    let mut steps = Vec::new();
    for table in &tables {
        for operation in ["INSERT", "UPDATE"] {
            for condition in conditions(database, table) {
                let step = Step { table: table.clone(), operation, condition, is_commit: false };
                let has_commit =
                    matches!(database, Database::Postgres(..)) && AT_COMMIT.contains(&table.as_str());
                steps.extend(has_commit.then(|| Step { is_commit: true, ..step.clone() }));
                steps.push(step);
            }
        }
    }
    steps
}

/// Writes of one table for several purposes differ in a column's value.
fn conditions(database: &Database, table: &str) -> Vec<Option<String>> {
    let column = match table {
        "audit_entries" => "action",
        "webhook_jobs" => "state",
        _ => return vec![None],
    };
    let mut values: Vec<String> = database
        .rows(&format!("SELECT DISTINCT {column} FROM {table}"))
        .into_iter()
        .map(|mut row| row.remove(0))
        .collect();
    if table == "webhook_jobs" {
        values = ["pending", "leased", "done"].map(str::to_owned).to_vec();
    }
    values.into_iter().map(|value| Some(format!("NEW.{column} = '{value}'"))).collect()
}

pub(super) enum Breakpoint {
    /// A session that holds the lock.
    Lock(Child),
    /// The trigger itself takes long.
    Slow,
}

impl Breakpoint {
    pub(super) fn set(database: &Database, step: &Step) -> Self {
        match database {
            Database::Postgres(cluster, name) => {
                let session = hold_lock(cluster, name);
                cluster.execute(name, &waiting_trigger(step));
                Self::Lock(session)
            }
            Database::Sqlite(_) => {
                let _ = database.rows(SLOW_VIEW);
                let _ = database.rows(&slow_trigger(step));
                Self::Slow
            }
        }
    }

    /// Waits until the server is paused (true), or has finished without reaching the step (false).
    pub(super) fn is_reached(&self, database: &Database, is_done: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + TIMEOUT;
        let mut checks = 0;
        while Instant::now() < deadline {
            checks = if self.is_paused(database) { checks + 1 } else { 0 };
            let enough = if matches!(self, Self::Lock(_)) { 1 } else { LOCKED_CHECKS };
            if checks >= enough {
                return true;
            }
            if checks == 0 && is_done() {
                return false;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        false
    }

    fn is_paused(&self, database: &Database) -> bool {
        match (self, database) {
            (Self::Lock(_), _) => database.integer(&format!(
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

    /// Drops the trigger and lets the server go on, if it still runs.
    pub(super) fn remove(self, database: &Database) {
        match (self, database) {
            (Self::Lock(mut session), Database::Postgres(cluster, name)) => {
                drop(session.stdin.take());
                session.wait().unwrap();
                // Waits for the server's last transaction to end.
                cluster.execute(name, "DROP FUNCTION breakpoint CASCADE");
            }
            (_, database) => {
                let _ = database.rows("DROP TRIGGER breakpoint");
                let _ = database.rows("DROP VIEW breakpoint_numbers");
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
    writeln!(input, "SELECT 'locked' FROM (SELECT pg_advisory_lock({LOCK})) AS lock;").unwrap();
    input.flush().unwrap();
    let mut line = String::new();
    BufReader::new(session.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "locked\n");
    session
}

fn waiting_trigger(step: &Step) -> String {
    let Step { table, operation, condition, is_commit } = step;
    let when = condition.as_ref().map_or_else(String::new, |condition| format!("WHEN ({condition})"));
    let (kind, deferred) =
        if *is_commit { ("CONSTRAINT TRIGGER", "DEFERRABLE INITIALLY DEFERRED") } else { ("TRIGGER", "") };
    format!(
        "CREATE FUNCTION breakpoint() RETURNS trigger LANGUAGE plpgsql AS \
         $$BEGIN PERFORM pg_advisory_xact_lock_shared({LOCK}); RETURN NULL; END$$; \
         CREATE {kind} breakpoint AFTER {operation} ON {table} {deferred} \
         FOR EACH ROW {when} EXECUTE FUNCTION breakpoint()"
    )
}

fn slow_trigger(step: &Step) -> String {
    let Step { table, operation, condition, .. } = step;
    let when = condition.as_ref().map_or_else(String::new, |condition| format!("WHEN {condition}"));
    format!(
        "CREATE TRIGGER breakpoint AFTER {operation} ON {table} {when} \
         BEGIN SELECT count(*) FROM breakpoint_numbers; END"
    )
}
