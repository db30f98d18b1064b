//! The stored rows of a subject, beside those of its fold.

use std::collections::{BTreeMap, BTreeSet};

use domain::Subject;
use ledger::{Row as FoldedRow, Rules, StashRatio, State};
use rust_decimal::Decimal;

use super::{CASH_ENTRY, TRANSFER, cash_entry_values, holding, transfer_values};
use crate::database::{Row, Statement, Transaction, Value};
use crate::error::Error;

/// The tables of rows: how a row is inserted, and how those of a subject are deleted.
const TABLES: [(&str, &str); 5] = [
    (TRANSFER, "DELETE FROM transfers WHERE id = $1"),
    (CASH_ENTRY, "DELETE FROM cash_entries WHERE id = $1"),
    (holding::POSITION, "DELETE FROM positions WHERE account = $1 AND symbol = $2"),
    (holding::ORDER, "DELETE FROM orders WHERE account = $1 AND symbol = $2"),
    (holding::FILL, "DELETE FROM fills WHERE account = $1 AND symbol = $2"),
];

/// The values of rows, by the statement that inserts them.
type Rows = Vec<(&'static str, Vec<Vec<Value>>)>;

/// The stored rows of a subject, by the statement that inserts them.
pub(in crate::ledger) struct StoredRows(Vec<(&'static str, Vec<Row>)>);

/// The rows of a folded subject, without that of an account, whose activity is that of other subjects too.
pub(in crate::ledger) fn folded_rows(state: &State, rules: Rules) -> Result<Rows, Error> {
    Ok(match &state.row {
        FoldedRow::Account(_) | FoldedRow::Journal => Rows::new(),
        FoldedRow::Transfer(row) => vec![(TRANSFER, vec![transfer_values(row, &rules)?])],
        FoldedRow::CashEntry(row) => vec![(CASH_ENTRY, vec![cash_entry_values(row, &rules)?])],
        FoldedRow::Holding(row) => {
            let mut rows = holding::Rows::default();
            rows.add(row)?;
            rows.into_tables()
        }
    })
}

/// The ratio that a transfer or cash entry was stored with.
pub(in crate::ledger) async fn stored_ratio(
    tx: &mut Transaction<'_>,
    subject: &Subject,
) -> Result<Option<StashRatio>, Error> {
    let StoredRows(tables) = StoredRows::load(tx, subject).await?;
    let row = tables.iter().filter(|(insert, _)| [TRANSFER, CASH_ENTRY].contains(insert));
    let Some(row) = row.flat_map(|(_, rows)| rows).next() else { return Ok(None) };
    Ok(row.parsed("stash_ratio").ok().and_then(|ratio| StashRatio::new(ratio).ok()))
}

impl StoredRows {
    pub(in crate::ledger) async fn load(tx: &mut Transaction<'_>, subject: &Subject) -> Result<Self, Error> {
        let mut stored = Vec::new();
        for (insert, delete) in of(subject) {
            let select = format!("SELECT *{}", delete.trim_start_matches("DELETE"));
            stored.push((insert, tx.fetch_all(Statement::new(select, keys(subject))).await?));
        }
        Ok(Self(stored))
    }

    /// Deletes the rows of a subject.
    pub(in crate::ledger) async fn delete(tx: &mut Transaction<'_>, subject: &Subject) -> Result<(), Error> {
        for (_, delete) in of(subject) {
            tx.execute(Statement::new(delete, keys(subject))).await?;
        }
        Ok(())
    }

    /// The rows that are not those of the fold, each as its table and key.
    pub(in crate::ledger) fn differing(&self, expected: &Rows) -> Result<BTreeSet<String>, Error> {
        let mut differing = BTreeSet::new();
        for (insert, rows) in &self.0 {
            let (table, columns) = table(insert);
            let expected = expected.iter().filter(|(other, _)| other == insert).flat_map(|(_, rows)| rows);
            let mut expected: BTreeMap<String, &Vec<Value>> =
                expected.map(|values| (key(&columns, values), values)).collect();
            for row in rows {
                let id = stored_key(&columns, row);
                let is_equal = expected.remove(&id).is_some_and(|values| is_equal(&columns, values, row));
                if !is_equal {
                    differing.insert(format!("{table} {id}"));
                }
            }
            differing.extend(expected.into_keys().map(|id| format!("{table} {id}")));
        }
        Ok(differing)
    }
}

fn of(subject: &Subject) -> impl Iterator<Item = (&'static str, &'static str)> {
    let range = match subject {
        Subject::Account(_) | Subject::Journal(_) => 0..0,
        Subject::Transfer(_) => 0..1,
        Subject::CashEntry(_) => 1..2,
        Subject::Holding { .. } => 2..5,
    };
    TABLES.into_iter().take(range.end).skip(range.start)
}

fn keys(subject: &Subject) -> Vec<Value> {
    match subject {
        Subject::Account(id) | Subject::Transfer(id) | Subject::CashEntry(id) => {
            vec![Value::from(id.to_string())]
        }
        Subject::Journal(_) => Vec::new(),
        Subject::Holding { account, symbol } => {
            vec![Value::from(account.to_string()), Value::from(symbol.as_str())]
        }
    }
}

/// The table and the columns of `INSERT INTO table (column, …) VALUES`.
fn table(insert: &'static str) -> (&'static str, Vec<&'static str>) {
    let text = insert.trim_start_matches("INSERT INTO ").trim_end_matches(" VALUES ");
    let (table, columns) = text.split_once(" (").unwrap_or((text, ""));
    (table, columns.trim_end_matches(')').split(',').map(str::trim).collect())
}

/// The id of a row of one of these tables, or the symbol of a position.
fn key_column(columns: &[&'static str]) -> &'static str {
    if columns.contains(&"id") { "id" } else { "symbol" }
}

fn key(columns: &[&'static str], values: &[Value]) -> String {
    let column = key_column(columns);
    match columns.iter().position(|each| *each == column).and_then(|at| values.get(at)) {
        Some(Value::Text(Some(id))) => id.clone(),
        _ => String::new(),
    }
}

fn stored_key(columns: &[&'static str], row: &Row) -> String {
    row.text(key_column(columns)).unwrap_or_default()
}

fn is_equal(columns: &[&'static str], values: &[Value], row: &Row) -> bool {
    columns.iter().zip(values).all(|(column, value)| match value {
        // 0.3 and 0.30 are one ratio.
        Value::Text(Some(ratio)) if *column == "stash_ratio" => {
            row.parsed::<Decimal>(column).is_ok_and(|stored| ratio.parse() == Ok(stored))
        }
        Value::Int(number) => row.optional_int(column).is_ok_and(|stored| stored == *number),
        Value::Text(text) => row.optional_text(column).is_ok_and(|stored| stored == *text),
        Value::Bytes(bytes) => row.optional_bytes(column).is_ok_and(|stored| stored == *bytes),
    })
}
