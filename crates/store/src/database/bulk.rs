//! Many rows in few statements, because each statement is a round trip to Postgres or to SQLite's thread.

use super::{Row, Statement, Transaction, Value};
use crate::error::Error;

/// Most rows, or values of a list, in one statement. A connection keeps the statements for all counts prepared.
pub(crate) const ROWS_MAX: usize = 64;

impl Transaction<'_> {
    /// Inserts rows with `start (…), (…) end`; returns the rows that `end` returns.
    pub(crate) async fn insert_rows(
        &mut self,
        start: &str,
        rows: Vec<Vec<Value>>,
        end: &str,
    ) -> Result<Vec<Row>, Error> {
        let mut returned = Vec::new();
        for chunk in chunks(rows) {
            returned.extend(self.fetch_all(Statement::insert(self.backend(), start, chunk, end)).await?);
        }
        Ok(returned)
    }

    /// All rows of a `SELECT` from `key`, a table of these keys with the columns `names`. SQLite searches an index for each of
    /// them only as the outer table of a `CROSS JOIN`; `(…) IN (VALUES …)` scans.
    pub(crate) async fn fetch_by_keys(
        &mut self,
        names: &str,
        keys: Vec<Vec<Value>>,
        select: &str,
    ) -> Result<Vec<Row>, Error> {
        self.insert_rows(&format!("WITH key ({names}) AS (VALUES "), keys, &format!(") {select}")).await
    }

    /// All rows of `start (…) end`, with a list of values in the parentheses.
    pub(crate) async fn fetch_in<V: Into<Value> + Clone>(
        &mut self,
        start: Statement,
        list: &[V],
        end: &'static str,
    ) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for list in list.chunks(ROWS_MAX) {
            let statement = start.clone().push_in(list.iter().cloned()).push_sql(end);
            rows.extend(self.fetch_all(statement).await?);
        }
        Ok(rows)
    }
}

fn chunks(rows: Vec<Vec<Value>>) -> impl Iterator<Item = Vec<Vec<Value>>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<_> = rows.by_ref().take(ROWS_MAX).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::values;

    #[test]
    fn rows_are_split_into_statements_in_order() {
        let rows: Vec<Vec<Value>> = (0..70_i64).map(|number| values![number, "x"]).collect();
        let first = |number: i64| format!("{:?}", Value::from(number));
        let firsts: Vec<_> = chunks(rows).map(|chunk| (chunk.len(), format!("{:?}", chunk[0][0]))).collect();
        assert_eq!(firsts, [(64, first(0)), (6, first(64))]);
    }
}
