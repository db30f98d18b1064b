//! Checks of the database by code that is not the product's, and `investiq audit verify`.

use std::collections::BTreeSet;
use std::process::Command;

use tests::database::Database;

/// Of the tests' servers.
const AUDIT_KEY: &str = "+K5ZMjQynwolms9MUptlqDHTQzXy4xnJ3qNqBlR161Y=";

/// Unfinished jobs.
pub(crate) struct Backlog {
    pub(crate) open: usize,
    /// Those leased by a worker.
    pub(crate) leased: usize,
}

impl Backlog {
    pub(crate) fn load(database: &Database) -> Self {
        let rows = database.rows(
            "SELECT (SELECT count(*) FROM webhook_jobs WHERE state IN ('pending', 'leased')), \
             (SELECT count(*) FROM webhook_jobs WHERE state = 'leased')",
        );
        let number = |column: usize| rows[0][column].parse().unwrap();
        Self { open: number(0), leased: number(1) }
    }
}

/// Every acknowledged event is stored once, and every job is done.
pub(crate) fn inbox(database: &Database, acknowledged: BTreeSet<&str>) {
    let rows = database.rows("SELECT id FROM webhook_events");
    let stored: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let lost: Vec<&&str> = acknowledged.iter().filter(|id| !stored.contains(*id)).collect();
    assert!(lost.is_empty(), "{} acknowledged events are lost: {lost:?}", lost.len());
    assert_eq!(rows.len() as i64, database.integer("SELECT count(DISTINCT dedupe_key) FROM webhook_events"));
    assert_eq!(database.integer("SELECT count(*) FROM webhook_jobs WHERE state <> 'done'"), 0);
}

/// Each event took effect once, and the ledger is balanced in each transaction and as a whole.
pub(crate) fn effects(database: &Database) {
    let count = |channel: &str| {
        database.integer(&format!("SELECT count(*) FROM webhook_events WHERE channel = '{channel}'"))
    };
    let (deposits, purchases) = (count("alpaca/nta"), count("alpaca/trade"));
    assert_eq!(
        database.integer("SELECT coalesce(sum(minor), 0) FROM ledger_entries"),
        0,
        "the ledger is balanced"
    );
    let unbalanced = "SELECT count(*) FROM (SELECT transaction_id FROM ledger_entries \
        GROUP BY transaction_id, currency HAVING sum(minor) <> 0) AS unbalanced";
    assert_eq!(database.integer(unbalanced), 0);
    let of = |account: &str| {
        database.integer(&format!(
            "SELECT coalesce(sum(minor), 0) FROM ledger_entries WHERE account = '{account}'"
        ))
    };
    assert_eq!(of("system/clearing/alpaca"), -100 * deposits, "each deposit once");
    assert_eq!(of("system/securities_clearing"), 100 * purchases, "each purchase once");
    // An effect that was posted twice and reversed once would not change the sums.
    let twice = "SELECT count(*) FROM (SELECT 1 FROM ledger_entries \
        JOIN ledger_transactions ON ledger_transactions.id = ledger_entries.transaction_id \
        WHERE account IN ('system/clearing/alpaca', 'system/securities_clearing') \
        GROUP BY subject, effect, account HAVING count(*) <> 1) AS twice";
    assert_eq!(database.integer(twice), 0, "no effect was posted twice");
}

/// `investiq audit verify` passes.
pub(crate) fn audit(database: &Database) {
    let output = Command::new(tests::binary("investiq"))
        .args(["audit", "verify"])
        .env_clear()
        .env("DATABASE_URL", database.url())
        .env("AUDIT_KEY", AUDIT_KEY)
        .env("SECRETS_DIR", "/nowhere")
        .output()
        .expect("the investiq binary starts: build it with `cargo build -p ops`");
    assert!(
        output.status.success(),
        "investiq audit verify: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
