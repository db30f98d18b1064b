//! Many rows in few statements: each is a journey, to Postgres or to SQLite's own thread.

use super::statement::many;
use super::{Row, Statement, Transaction, Value};
use crate::error::Error;

/// Rows, or values of a list, in one statement. A connection keeps the texts for counts up to this prepared.
pub(crate) const ROWS_MAX: usize = 64;

impl Transaction<'_> {
    /// Writes rows of one table: `start (…), (…) end`. Counts those that changed.
    pub(crate) async fn write_rows(
        &mut self,
        start: &str,
        mut rows: Vec<Vec<Value>>,
        end: &str,
    ) -> Result<u64, Error> {
        let mut changed = 0;
        while let Some((count, columns, values)) = cut(&mut rows) {
            changed += self.execute_made(many(self.backend(), start, count, columns, end), values).await?;
        }
        Ok(changed)
    }

    /// The same, with what `end` gives back of each.
    pub(crate) async fn write_rows_returning(
        &mut self,
        start: &str,
        mut rows: Vec<Vec<Value>>,
        end: &str,
    ) -> Result<Vec<Row>, Error> {
        let mut given = Vec::new();
        while let Some((count, columns, values)) = cut(&mut rows) {
            given.extend(self.rows_made(many(self.backend(), start, count, columns, end), values).await?);
        }
        Ok(given)
    }

    /// Adds rows of one statement to a table of SQLite that numbers them: the numbers of those that were added.
    ///
    /// A table's next number is one more than its greatest, and nobody else writes during this transaction.
    pub(crate) async fn add_rows(
        &mut self,
        start: &str,
        mut rows: Vec<Vec<Value>>,
        end: &str,
    ) -> Result<std::ops::Range<i64>, Error> {
        debug_assert!(rows.len() <= ROWS_MAX, "the rows of one statement");
        let Some((count, columns, values)) = cut(&mut rows) else { return Ok(0..0) };
        let added = self.insert_made(many(self.backend(), start, count, columns, end), values).await?;
        let end = added.last.saturating_add(1);
        Ok(end.saturating_sub_unsigned(added.count)..end)
    }

    /// All rows of a statement that names a list: `start (…) end`.
    pub(crate) async fn rows_among<V: Into<Value> + Clone>(
        &mut self,
        start: &'static str,
        list: &[V],
        end: &'static str,
    ) -> Result<Vec<Row>, Error> {
        let mut rows = Vec::new();
        for list in list.chunks(ROWS_MAX) {
            let mut statement = Statement::new(start);
            statement.among("", list.iter().cloned()).words(end);
            let (sql, values) = statement.finish();
            rows.extend(self.rows_made(sql, values).await?);
        }
        Ok(rows)
    }
}

/// Takes the rows of one statement from the front: how many, of how many columns, and all their values.
fn cut(rows: &mut Vec<Vec<Value>>) -> Option<(usize, usize, Vec<Value>)> {
    let columns = rows.first()?.len();
    let count = rows.len().min(ROWS_MAX);
    debug_assert!(rows.iter().all(|row| row.len() == columns), "rows of one table are alike");
    Some((count, columns, rows.drain(..count).flatten().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::values;

    #[test]
    fn rows_are_cut_into_statements_in_their_order() {
        let mut rows: Vec<Vec<Value>> = (0..70_i64).map(|number| values![number, "x"]).collect();
        let mut firsts = Vec::new();
        while let Some((count, columns, values)) = cut(&mut rows) {
            assert_eq!((columns, values.len()), (2, count * 2));
            firsts.push((count, format!("{:?}", values[0])));
        }
        let first = |number: i64| format!("{:?}", Value::from(number));
        assert_eq!(firsts, [(64, first(0)), (6, first(64))]);
    }
}
