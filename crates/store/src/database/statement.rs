//! SQL texts with their values. Texts consist of our own SQL and placeholders, never of values.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::{Backend, Value};

/// A text with the values of its placeholders `$1`, `$2`, …
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(super) sql: Cow<'static, str>,
    pub(super) values: Vec<Value>,
}

/// `sql!("SELECT … WHERE id = $1", id)`
macro_rules! sql {
    ($sql:expr $(, $value:expr)* $(,)?) => {
        $crate::database::Statement::new($sql, $crate::database::values![$($value),*])
    };
}
pub(crate) use sql;

impl Statement {
    pub(crate) fn new(sql: impl Into<Cow<'static, str>>, values: Vec<Value>) -> Self {
        Self { sql: sql.into(), values }
    }

    pub(crate) fn push_sql(mut self, sql: &'static str) -> Self {
        self.sql.to_mut().push_str(sql);
        self
    }

    pub(crate) fn push_value(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        // Writing into a String cannot fail.
        let _ = write!(self.sql.to_mut(), "${}", self.values.len());
        self
    }

    /// Adds the text and the value, if there is a value.
    pub(crate) fn push_optional(self, sql: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.push_sql(sql).push_value(value),
            None => self,
        }
    }

    /// Adds a list of values in parentheses, which must not be empty.
    pub(crate) fn push_in<V: Into<Value>>(self, values: impl IntoIterator<Item = V>) -> Self {
        let push = |statement: Self, (index, value)| {
            statement.push_sql(if index == 0 { " (" } else { ", " }).push_value(value)
        };
        values.into_iter().enumerate().fold(self, push).push_sql(")")
    }

    /// `start (?, ?), (?, ?) end` with the values of rows of equal length. For SQLite the placeholders have no numbers, because
    /// it searches all placeholders for each number: with a thousand, this takes longer than the statement.
    pub(crate) fn insert(backend: Backend, start: &str, rows: Vec<Vec<Value>>, end: &str) -> Self {
        let columns = rows.first().map_or(0, Vec::len);
        let mut sql = String::with_capacity(start.len() + end.len() + rows.len() * (columns * 6 + 4));
        sql.push_str(start);
        for row in 0..rows.len() {
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
        Self { sql: sql.into(), values: rows.into_iter().flatten().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::values;

    #[test]
    fn a_statement_has_a_placeholder_for_each_value() {
        let insert = |backend| {
            let rows = vec![values![1_i64, "a"], values![2_i64, "b"]];
            Statement::insert(backend, "VALUES ", rows, " END")
        };
        assert_eq!(insert(Backend::Postgres).sql, "VALUES ($1, $2), ($3, $4) END");
        assert_eq!(insert(Backend::Sqlite).sql, "VALUES (?, ?), (?, ?) END");
        assert_eq!(insert(Backend::Sqlite).values.len(), 4);
    }

    #[test]
    fn an_absent_condition_adds_no_text() {
        let statement = sql!("SELECT 1 WHERE TRUE")
            .push_optional(" AND a = ", Some("x"))
            .push_optional(" AND b = ", None::<i64>)
            .push_sql(" AND c IN")
            .push_in([1, 2]);
        assert_eq!(statement.sql, "SELECT 1 WHERE TRUE AND a = $1 AND c IN ($2, $3)");
        assert_eq!(statement.values.len(), 3);
    }
}
