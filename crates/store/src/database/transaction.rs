//! One transaction of either database.

use std::time::Duration;

use sqlx::postgres::PgArguments;
use sqlx::sqlite::SqliteArguments;
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr as _, SqlStr, Sqlite};
use telemetry::metrics::QueryTimer;

use super::query_span::QuerySpan;
use super::reply_timeout::ReplyTimeout;
use super::{Backend, Row, Statement, Value};
use crate::error::Error;

/// A transaction, which is rolled back if it is dropped without [`commit`](Self::commit).
pub(crate) struct Transaction<'c> {
    open: Open<'c>,
    #[expect(dead_code, reason = "it counts the time when it is dropped")]
    timer: Option<QueryTimer>,
}

enum Open<'c> {
    Sqlite(sqlx::Transaction<'c, Sqlite>),
    Postgres(sqlx::Transaction<'c, Postgres>, ReplyTimeout<'c>),
}

/// The changes of a statement.
pub(crate) struct Changes {
    pub(crate) rows: u64,
    /// The id of the last inserted row; 0 on Postgres, which has RETURNING instead.
    pub(crate) last_id: i64,
}

impl<'c> Transaction<'c> {
    pub(crate) fn on_sqlite(transaction: sqlx::Transaction<'c, Sqlite>) -> Self {
        Self { open: Open::Sqlite(transaction), timer: None }
    }

    pub(super) fn on_postgres(
        transaction: sqlx::Transaction<'c, Postgres>,
        timeout: ReplyTimeout<'c>,
    ) -> Self {
        Self { open: Open::Postgres(transaction, timeout), timer: None }
    }

    /// Counts the time until it ends.
    pub(super) fn with_timer(self, timer: QueryTimer) -> Self {
        Self { timer: Some(timer), ..self }
    }
}

impl Transaction<'_> {
    /// The database, for statements that must differ: see [`Backend::pick`].
    pub(crate) fn backend(&self) -> Backend {
        match &self.open {
            Open::Sqlite(_) => Backend::Sqlite,
            Open::Postgres(..) => Backend::Postgres,
        }
    }

    /// Sets a longer timeout on Postgres, for slow statements.
    pub(crate) fn set_reply_timeout(&mut self, limit: Duration) {
        if let Open::Postgres(_, timeout) = &mut self.open {
            timeout.limit = limit;
        }
    }

    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<Changes, Error> {
        let span = QuerySpan::start(self.backend(), &statement.sql);
        span.end(self.send(statement).await)
    }

    async fn send(&mut self, statement: Statement) -> Result<Changes, Error> {
        let (sql, values) = parts(statement);
        match &mut self.open {
            Open::Sqlite(tx) => {
                let query = sqlx::query_with(sql, Value::arguments::<SqliteArguments>(values)?);
                let result = query.execute(&mut **tx).await?;
                Ok(Changes { rows: result.rows_affected(), last_id: result.last_insert_rowid() })
            }
            Open::Postgres(tx, timeout) => {
                let query = sqlx::query_with(sql, Value::arguments::<PgArguments>(values)?);
                let query = query.persistent(timeout.keeps_prepared());
                let result = timeout.wait(query.execute(&mut **tx)).await?;
                Ok(Changes { rows: result.rows_affected(), last_id: 0 })
            }
        }
    }

    /// All rows of a statement, which must bound them by a key or a `LIMIT`.
    pub(crate) async fn fetch_all(&mut self, statement: Statement) -> Result<Vec<Row>, Error> {
        let span = QuerySpan::start(self.backend(), &statement.sql);
        span.end(self.rows(statement).await)
    }

    async fn rows(&mut self, statement: Statement) -> Result<Vec<Row>, Error> {
        let (sql, values) = parts(statement);
        match &mut self.open {
            Open::Sqlite(tx) => {
                let query = sqlx::query_with(sql, Value::arguments::<SqliteArguments>(values)?);
                Ok(query.fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite).collect())
            }
            Open::Postgres(tx, timeout) => {
                let query = sqlx::query_with(sql, Value::arguments::<PgArguments>(values)?);
                let query = query.persistent(timeout.keeps_prepared());
                let rows = timeout.wait(query.fetch_all(&mut **tx)).await?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// The first row of a statement, if there is one.
    pub(crate) async fn fetch_optional(&mut self, statement: Statement) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(statement).await?.into_iter().next())
    }

    /// The column `count` of a statement with one row.
    pub(crate) async fn count(&mut self, statement: Statement) -> Result<u64, Error> {
        let row = self.fetch_optional(statement).await?.ok_or(sqlx::Error::RowNotFound)?;
        Ok(row.int("count")?.cast_unsigned())
    }

    /// Runs several statements without values, such as a migration.
    pub(crate) async fn script(&mut self, sql: &'static str) -> Result<(), Error> {
        match &mut self.open {
            Open::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop)?,
            Open::Postgres(tx, timeout) => {
                timeout.wait(sqlx::raw_sql(sql).execute(&mut **tx)).await.map(drop)?;
            }
        }
        Ok(())
    }

    /// Commits the transaction durably. If this fails, the outcome is unknown.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        let span = QuerySpan::start(self.backend(), "COMMIT");
        span.end(match self.open {
            Open::Sqlite(tx) => tx.commit().await.map_err(Error::from),
            Open::Postgres(tx, timeout) => timeout.wait(tx.commit()).await,
        })
    }

    /// Rolls the transaction back, and waits for the rollback.
    pub(crate) async fn rollback(self) -> Result<(), Error> {
        match self.open {
            Open::Sqlite(tx) => tx.rollback().await?,
            Open::Postgres(tx, timeout) => timeout.wait(tx.rollback()).await?,
        }
        Ok(())
    }
}

fn parts(Statement { sql, values }: Statement) -> (SqlStr, Vec<Value>) {
    match sql {
        std::borrow::Cow::Borrowed(sql) => (sql.into_sql_str(), values),
        std::borrow::Cow::Owned(sql) => (AssertSqlSafe(sql).into_sql_str(), values),
    }
}
