//! What the database holds, read by code that is not the product's, and the operator's own check of the audit chain.

use std::collections::BTreeSet;
use std::process::Command;

use tests::database::Database;

/// What the tests' servers authenticate audit entries with.
const AUDIT_KEY: &str = "+K5ZMjQynwolms9MUptlqDHTQzXy4xnJ3qNqBlR161Y=";

/// How far the work is.
pub(crate) struct Checked {
    /// Pieces of work that are not finished.
    pub(crate) open: usize,
    /// Of those, pieces that some worker holds.
    pub(crate) leased: usize,
}

impl Checked {
    pub(crate) fn look(database: &Database) -> Self {
        let rows = database.rows(
            "SELECT (SELECT count(*) FROM webhook_work WHERE state IN ('pending', 'leased')), \
             (SELECT count(*) FROM webhook_work WHERE state = 'leased')",
        );
        let number = |column: usize| rows[0][column].parse().unwrap();
        Self { open: number(0), leased: number(1) }
    }
}

/// Every event that was acknowledged is kept, each once, and each has been worked on to its end.
pub(crate) fn inbox(database: &Database, acknowledged: BTreeSet<&str>) {
    let rows = database.rows("SELECT id FROM webhook_events");
    let kept: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    let lost: Vec<&&str> = acknowledged.iter().filter(|id| !kept.contains(*id)).collect();
    assert!(lost.is_empty(), "{} acknowledged events are lost: {lost:?}", lost.len());
    assert_eq!(rows.len() as i64, database.number("SELECT count(DISTINCT dedupe_key) FROM webhook_events"));
    assert_eq!(database.number("SELECT count(*) FROM webhook_work WHERE state <> 'done'"), 0);
}

/// Each event had its effect once, and the books are balanced in each transaction and as a whole.
pub(crate) fn effects(database: &Database) {
    let count = |channel: &str| {
        database.number(&format!("SELECT count(*) FROM webhook_events WHERE channel = '{channel}'"))
    };
    let (deposits, purchases) = (count("alpaca/nta"), count("alpaca/trade"));
    assert_eq!(
        database.number("SELECT coalesce(sum(minor), 0) FROM ledger_entries"),
        0,
        "the books are balanced"
    );
    let unbalanced = "SELECT count(*) FROM (SELECT transaction_id FROM ledger_entries \
        GROUP BY transaction_id, currency HAVING sum(minor) <> 0) AS unbalanced";
    assert_eq!(database.number(unbalanced), 0);
    let of = |account: &str| {
        database.number(&format!(
            "SELECT coalesce(sum(minor), 0) FROM ledger_entries WHERE account = '{account}'"
        ))
    };
    assert_eq!(of("system/clearing/alpaca"), -100 * deposits, "each deposit once");
    assert_eq!(of("system/securities_clearing"), 100 * purchases, "each purchase once");
    // An effect that was posted twice and taken back once would still sum up.
    let twice = "SELECT count(*) FROM (SELECT 1 FROM ledger_entries \
        JOIN ledger_transactions ON ledger_transactions.id = ledger_entries.transaction_id \
        WHERE account IN ('system/clearing/alpaca', 'system/securities_clearing') \
        GROUP BY subject, effect, account HAVING count(*) <> 1) AS twice";
    assert_eq!(database.number(twice), 0, "no effect was posted twice");
}

/// `investiq audit verify`, as the operator runs it.
pub(crate) fn audit(database: &Database) {
    let own = std::env::current_exe().unwrap();
    let profile = own.ancestors().nth(2).unwrap();
    let output = Command::new(profile.join("investiq"))
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
