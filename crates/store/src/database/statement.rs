//! Texts of statements that are made at run time: of our own words and placeholders, never of values.

use std::fmt::Write as _;
use std::sync::Arc;

use super::{Backend, Value};

/// A statement that grows condition by condition.
pub(crate) struct Statement {
    sql: String,
    values: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    /// Continues with words.
    pub(crate) fn words(&mut self, sql: &'static str) -> &mut Self {
        self.sql.push_str(sql);
        self
    }

    /// Continues with a value.
    pub(crate) fn value(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        // Writing into a String cannot fail.
        let _ = write!(self.sql, "${}", self.values.len());
        self
    }

    /// Continues with words and the value after them, when there is one.
    pub(crate) fn given(&mut self, sql: &'static str, value: Option<impl Into<Value>>) -> &mut Self {
        match value {
            Some(value) => self.words(sql).value(value),
            None => self,
        }
    }

    /// Continues with words and a list of values in parentheses; there is at least one.
    pub(crate) fn among<V: Into<Value>>(
        &mut self,
        sql: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> &mut Self {
        self.words(sql);
        for (place, value) in values.into_iter().enumerate() {
            self.words(if place == 0 { " (" } else { ", " }).value(value);
        }
        self.words(")")
    }

    pub(crate) fn finish(self) -> (Arc<str>, Vec<Value>) {
        (self.sql.into(), self.values)
    }
}

/// `start (?, ?), (?, ?) end` with placeholders alone. SQLite looks up a numbered placeholder by walking through all of
/// them, which for a thousand takes longer than the statement, so there they have no numbers.
pub(super) fn many(backend: Backend, start: &str, rows: usize, columns: usize, end: &str) -> Arc<str> {
    let mut sql = String::with_capacity(start.len() + end.len() + rows * (columns * 6 + 4));
    sql.push_str(start);
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            sql.push_str(if column == 0 { "" } else { ", " });
            match backend {
                Backend::Sqlite => sql.push('?'),
                Backend::Postgres => {
                    let _ = write!(sql, "${}", row * columns + column + 1);
                }
            }
        }
        sql.push(')');
    }
    sql.push_str(end);
    sql.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_has_a_placeholder_for_each_value() {
        let made = |backend| many(backend, "VALUES ", 2, 2, " END");
        assert_eq!(&*made(Backend::Postgres), "VALUES ($1, $2), ($3, $4) END");
        assert_eq!(&*made(Backend::Sqlite), "VALUES (?, ?), (?, ?) END");
    }

    #[test]
    fn a_condition_that_is_not_given_leaves_no_trace() {
        let mut statement = Statement::new("SELECT 1 WHERE TRUE");
        statement.given(" AND a = ", Some("x")).given(" AND b = ", None::<i64>).among(" AND c IN", [1, 2]);
        let (sql, values) = statement.finish();
        assert_eq!(&*sql, "SELECT 1 WHERE TRUE AND a = $1 AND c IN ($2, $3)");
        assert_eq!(values.len(), 3);
    }
}
