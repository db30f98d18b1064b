//! Statements in traces, under names of which there are few: what they do to which table, and never a value.

use telemetry::traces::{self, Span, SpanKind};

use super::Backend;
use crate::error::{Error, Retry};

/// The span of one statement; nothing unless a recorded request or job waits for it.
pub(super) struct QuerySpan(Span);

impl QuerySpan {
    pub(super) fn start(backend: Backend, sql: &str) -> Self {
        let mut span = traces::child(SpanKind::Client, || summary(sql));
        if span.is_recorded() {
            let (operation, table) = operation(sql);
            span.set("db.system.name", backend.pick("sqlite", "postgresql"));
            span.set("db.operation.name", operation.to_owned());
            if let Some(table) = table {
                span.set("db.collection.name", table.to_owned());
            }
        }
        Self(span)
    }

    /// Ends the span with the statement.
    pub(super) fn end<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.0.fail(match error.retry() {
                Retry::Never => "refused",
                Retry::Now => "conflict",
                Retry::Later => "unavailable",
            });
        }
        result
    }
}

/// Such as `INSERT webhook_events`.
fn summary(sql: &str) -> String {
    let (operation, table) = operation(sql);
    table.map_or_else(|| operation.to_owned(), |table| format!("{operation} {table}"))
}

/// What a statement of ours does first, and to which table.
fn operation(sql: &str) -> (&str, Option<&str>) {
    let words = || sql.split([' ', '\n', '(', ')', ';', ',']).filter(|word| !word.is_empty());
    let is_change = |word: &&str| ["INSERT", "UPDATE", "DELETE"].contains(word);
    let first = words().next().unwrap_or("script");
    // The first change of several parts decides.
    let operation = if first == "WITH" { words().find(is_change).unwrap_or("SELECT") } else { first };
    let before_table = match operation {
        "INSERT" => "INTO",
        "UPDATE" => "UPDATE",
        "SELECT" | "DELETE" => "FROM",
        _ => return (operation, None),
    };
    // A table has a lower-case name; after another FROM is a part of the statement.
    let is_table = |word: &str| word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    let mut pairs = words().zip(words().skip(1));
    (
        operation,
        pairs.find(|(before, word)| *before == before_table && is_table(word)).map(|(_, table)| table),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_named_for_what_it_does_to_which_table() {
        for (sql, expected) in [
            ("SELECT id FROM webhook_events WHERE id = $1", "SELECT webhook_events"),
            ("SELECT 1 AS found WHERE EXISTS (SELECT 1 FROM webhook_jobs j)", "SELECT webhook_jobs"),
            ("INSERT INTO facts (id) VALUES (?), (?)", "INSERT facts"),
            ("UPDATE webhook_jobs SET state = $1", "UPDATE webhook_jobs"),
            ("DELETE FROM leader_leases", "DELETE leader_leases"),
            (
                "WITH stored AS (INSERT INTO webhook_events (id) VALUES ($1)) SELECT id FROM stored",
                "INSERT webhook_events",
            ),
            ("SELECT pg_advisory_xact_lock(1)", "SELECT"),
            ("SELECT * FROM ( SELECT id FROM webhook_events)", "SELECT webhook_events"),
            ("SELECT id FROM (SELECT 1 FROM bans)", "SELECT bans"),
            ("PRAGMA synchronous", "PRAGMA"),
            ("COMMIT", "COMMIT"),
            ("", "script"),
        ] {
            assert_eq!(summary(sql), expected, "{sql}");
        }
    }
}
