//! One transaction of either database.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, SqlStr, Sqlite};

use super::postgres::Limit;
use super::{Backend, Row, Value};
use crate::error::Error;

/// A transaction: dropped without [`commit`](Self::commit), nothing of it happened. Statements are written once for both
/// databases, with `$1`, `$2`, … for their values.
pub(crate) struct Transaction<'c>(Inner<'c>);

/// How many rows SQLite added, and the number of the last.
pub(super) struct Added {
    pub(super) count: u64,
    pub(super) last: i64,
}

enum Inner<'c> {
    Sqlite(sqlx::Transaction<'c, Sqlite>),
    Postgres(sqlx::Transaction<'c, Postgres>, Limit<'c>),
}

impl<'c> From<sqlx::Transaction<'c, Sqlite>> for Transaction<'c> {
    fn from(inner: sqlx::Transaction<'c, Sqlite>) -> Self {
        Self(Inner::Sqlite(inner))
    }
}

impl<'c> Transaction<'c> {
    pub(super) fn postgres(inner: sqlx::Transaction<'c, Postgres>, limit: Limit<'c>) -> Self {
        Self(Inner::Postgres(inner, limit))
    }
}

impl Transaction<'_> {
    /// Which database it is, for the few statements that must differ: see [`Backend::pick`].
    pub(crate) fn backend(&self) -> Backend {
        match self.0 {
            Inner::Sqlite(_) => Backend::Sqlite,
            Inner::Postgres(..) => Backend::Postgres,
        }
    }

    /// Waits longer for Postgres than usual, for statements that may take long.
    pub(crate) fn wait_for(&mut self, patience: Duration) {
        if let Inner::Postgres(_, limit) = &mut self.0 {
            limit.extend(patience);
        }
    }

    /// Runs a statement and counts the rows that it changed.
    pub(crate) async fn execute(&mut self, sql: &'static str, values: Vec<Value>) -> Result<u64, Error> {
        self.run(sql.into_sql_str(), values).await
    }

    /// All rows of a statement. It must bound them itself, with a key or a `LIMIT`.
    pub(crate) async fn rows(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        self.ask(sql.into_sql_str(), values).await
    }

    /// The first row of a statement, if there is one.
    pub(crate) async fn row(&mut self, sql: &'static str, values: Vec<Value>) -> Result<Option<Row>, Error> {
        Ok(self.ask(sql.into_sql_str(), values).await?.into_iter().next())
    }

    /// As [`execute`](Self::execute), for a text made at run time of our own words and placeholders alone.
    pub(crate) async fn execute_made(
        &mut self,
        sql: std::sync::Arc<str>,
        values: Vec<Value>,
    ) -> Result<u64, Error> {
        self.run(AssertSqlSafe(sql).into_sql_str(), values).await
    }

    /// The same, for rows that SQLite numbers.
    pub(super) async fn insert_made(
        &mut self,
        sql: std::sync::Arc<str>,
        values: Vec<Value>,
    ) -> Result<Added, Error> {
        match &mut self.0 {
            Inner::Sqlite(tx) => {
                let query = sqlx::query_with(AssertSqlSafe(sql).into_sql_str(), Value::sqlite(values)?);
                let done = query.execute(&mut **tx).await?;
                Ok(Added { count: done.rows_affected(), last: done.last_insert_rowid() })
            }
            Inner::Postgres(..) => Err(Error::unreadable("number")),
        }
    }

    /// As [`rows`](Self::rows), for a text made at run time of our own words and placeholders alone.
    pub(crate) async fn rows_made(
        &mut self,
        sql: std::sync::Arc<str>,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, Error> {
        self.ask(AssertSqlSafe(sql).into_sql_str(), values).await
    }

    /// Runs several statements without values, such as a migration.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), Error> {
        match &mut self.0 {
            Inner::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop)?,
            Inner::Postgres(tx, limit) => {
                limit.wait(sqlx::raw_sql(sql).execute(&mut **tx)).await.map(drop)?;
            }
        }
        Ok(())
    }

    /// Makes everything durable. When it fails the outcome is unknown.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self.0 {
            Inner::Sqlite(tx) => tx.commit().await?,
            Inner::Postgres(tx, limit) => limit.wait(tx.commit()).await?,
        }
        Ok(())
    }

    /// Undoes everything, and waits until that is done.
    pub(crate) async fn rollback(self) -> Result<(), Error> {
        match self.0 {
            Inner::Sqlite(tx) => tx.rollback().await?,
            Inner::Postgres(tx, limit) => limit.wait(tx.rollback()).await?,
        }
        Ok(())
    }

    async fn run(&mut self, sql: SqlStr, values: Vec<Value>) -> Result<u64, Error> {
        match &mut self.0 {
            Inner::Sqlite(tx) => {
                let query = sqlx::query_with(sql, Value::sqlite(values)?);
                Ok(query.execute(&mut **tx).await?.rows_affected())
            }
            Inner::Postgres(tx, limit) => {
                let query = sqlx::query_with(sql, Value::postgres(values)?);
                Ok(limit.wait(query.execute(&mut **tx)).await?.rows_affected())
            }
        }
    }

    async fn ask(&mut self, sql: SqlStr, values: Vec<Value>) -> Result<Vec<Row>, Error> {
        match &mut self.0 {
            Inner::Sqlite(tx) => {
                let rows = sqlx::query_with(sql, Value::sqlite(values)?).fetch_all(&mut **tx).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Inner::Postgres(tx, limit) => {
                let query = sqlx::query_with(sql, Value::postgres(values)?);
                let rows = limit.wait(query.fetch_all(&mut **tx)).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }
}
