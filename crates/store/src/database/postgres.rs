//! Connections to Postgres: what each session is told, and that the server keeps what it acknowledges.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool, Postgres,
    Row as _,
};

use super::Transaction;
use crate::config::StoreConfig;
use crate::error::{Error, OpenError};

/// A connection is replaced after this long, so that a new password, a moved server and new certificates are taken up.
const LIFETIME: Duration = Duration::from_mins(30);
/// A connection that nobody used for this long is closed.
const IDLE: Duration = Duration::from_mins(5);
/// What the server gets to break off a statement itself, and to say so.
const SILENCE: Duration = Duration::from_secs(2);
/// Texts of statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 256;
/// Longest wait for a row that another transaction holds, of the time that a statement may take.
const LOCK_SHARE: u32 = 2;

pub(crate) struct PostgresDatabase {
    pool: PgPool,
    patience: Duration,
}

/// A connection of the pool, in use.
pub(crate) struct Session {
    connection: PoolConnection<Postgres>,
    /// The server did not answer: whatever it says later is not for us.
    is_silent: AtomicBool,
    patience: Duration,
}

impl PostgresDatabase {
    pub(super) async fn open(options: &PgConnectOptions, config: &StoreConfig) -> Result<Self, OpenError> {
        let session = session(config.statement_timeout);
        let pool = PgPoolOptions::new()
            .max_connections(config.connections.saturating_add(1))
            .acquire_timeout(config.connect_timeout)
            .max_lifetime(LIFETIME)
            .idle_timeout(IDLE)
            // After the server was restarted every connection is dead, and nobody is to find that out one by one.
            .test_before_acquire(true)
            .after_connect(move |connection, _| {
                let session = session.clone();
                Box::pin(async move { connection.execute(AssertSqlSafe(session)).await.map(drop) })
            })
            .connect_lazy_with(quiet(options));
        check(&pool, config).await?;
        Ok(Self { pool, patience: config.statement_timeout + SILENCE })
    }

    pub(super) async fn session(&self) -> Result<Session, Error> {
        let connection = self.pool.acquire().await?;
        Ok(Session { connection, is_silent: AtomicBool::new(false), patience: self.patience })
    }

    pub(super) fn set_options(&self, options: &PgConnectOptions) {
        self.pool.set_connect_options(quiet(options));
    }

    pub(super) async fn close(&self) {
        // A connection that does not answer is not waited for.
        drop(tokio::time::timeout(self.patience, self.pool.close()).await);
    }
}

impl Session {
    pub(super) async fn begin(&mut self, statement: &'static str) -> Result<Transaction<'_>, Error> {
        let Self { connection, is_silent, patience } = self;
        let limit = Limit { patience: *patience, is_silent };
        let transaction = limit.wait(connection.begin_with(statement)).await?;
        Ok(Transaction::postgres(transaction, limit))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if *self.is_silent.get_mut() {
            self.connection.close_on_drop();
        }
    }
}

/// How long a server may be silent. It breaks off long statements itself; it cannot when it is cut off from us.
#[derive(Clone, Copy)]
pub(super) struct Limit<'c> {
    patience: Duration,
    is_silent: &'c AtomicBool,
}

impl Limit<'_> {
    pub(super) fn extend(&mut self, patience: Duration) {
        self.patience = patience;
    }

    pub(super) async fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, Error> {
        let Ok(answer) = tokio::time::timeout(self.patience, answer).await else {
            self.is_silent.store(true, Ordering::Release);
            return Err(Error::Silent);
        };
        Ok(answer?)
    }
}

/// Statements are not logged.
fn quiet(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().statement_cache_capacity(STATEMENTS_MAX).disable_statement_logging()
}

/// What a session is told first: keep before acknowledging, whatever the server's default; and wait for nothing forever.
fn session(statement_timeout: Duration) -> String {
    let statement_ms = statement_timeout.as_millis();
    let lock_ms = (statement_timeout / LOCK_SHARE).as_millis();
    format!(
        "SET synchronous_commit = on; SET statement_timeout = {statement_ms}; SET lock_timeout = {lock_ms}; \
         SET idle_in_transaction_session_timeout = {statement_ms}; SET default_transaction_isolation = 'read committed'; \
         SET client_min_messages = warning; SET timezone = 'UTC'"
    )
}

async fn check(pool: &PgPool, config: &StoreConfig) -> Result<(), OpenError> {
    let failed = |source| OpenError::Connect { place: config.url.to_string(), source: Error::from(source) };
    let mut connection = pool.acquire().await.map_err(failed)?;
    for setting in ["fsync", "full_page_writes"] {
        if shown(&mut connection, setting).await.map_err(failed)? == "off" {
            return Err(OpenError::NotDurable { setting });
        }
    }
    Ok(())
}

async fn shown(connection: &mut PgConnection, setting: &str) -> Result<String, sqlx::Error> {
    let query = sqlx::query("SELECT current_setting($1)").bind(setting);
    query.fetch_one(connection).await?.try_get(0)
}
