//! Connections to Postgres: session settings, and a check that the server keeps acknowledged commits.

use std::io::ErrorKind;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool, Postgres,
    Row as _,
};

use super::Transaction;
use super::reply_timeout::ReplyTimeout;
use crate::config::StoreConfig;
use crate::error::{Error, OpenError};

/// Age at which a connection is replaced, so that new passwords, servers and certificates take effect.
const LIFETIME_MAX: Duration = Duration::from_mins(30);
/// Idle time after which a connection is closed.
const IDLE_MAX: Duration = Duration::from_mins(5);
/// Additional wait in which the server may cancel a statement itself.
const CANCEL_WITHIN: Duration = Duration::from_secs(2);
/// Longest wait for the reason why there was no connection within the connect timeout.
const CAUSE_WITHIN: Duration = Duration::from_secs(1);
/// Number of statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 256;
/// Longest wait for a row lock, as a part of the statement timeout.
const LOCK_TIMEOUT_DIVISOR: u32 = 2;

pub(crate) struct PostgresDatabase {
    pool: PgPool,
    reply_timeout: Duration,
}

/// A connection of the pool, in use.
pub(crate) struct Session {
    connection: PoolConnection<Postgres>,
    is_unusable: AtomicBool,
    reply_timeout: Duration,
}

impl PostgresDatabase {
    pub(super) async fn open(options: &PgConnectOptions, config: &StoreConfig) -> Result<Self, OpenError> {
        let options = without_logging(options);
        let settings = settings(config.statement_timeout);
        let pool = PgPoolOptions::new()
            .max_connections(config.connections.saturating_add(1))
            .acquire_timeout(config.connect_timeout)
            .max_lifetime(LIFETIME_MAX)
            .idle_timeout(IDLE_MAX)
            // After a restart of the server every connection is dead; otherwise requests would fail one by one.
            .test_before_acquire(true)
            .after_connect(move |connection, _| {
                let settings = settings.clone();
                Box::pin(async move { connection.execute(AssertSqlSafe(settings)).await.map(drop) })
            })
            .connect_lazy_with(options.clone());
        check_durability(&pool, &options, config).await?;
        Ok(Self { pool, reply_timeout: config.statement_timeout + CANCEL_WITHIN })
    }

    pub(super) async fn session(&self) -> Result<Session, Error> {
        let connection = self.pool.acquire().await?;
        Ok(Session { connection, is_unusable: AtomicBool::new(false), reply_timeout: self.reply_timeout })
    }

    pub(super) fn set_options(&self, options: &PgConnectOptions) {
        self.pool.set_connect_options(without_logging(options));
    }

    pub(super) async fn close(&self) {
        // An unresponsive connection must not delay the shutdown.
        drop(tokio::time::timeout(self.reply_timeout, self.pool.close()).await);
    }
}

impl Session {
    pub(super) async fn begin(&mut self, statement: &'static str) -> Result<Transaction<'_>, Error> {
        let Self { connection, is_unusable, reply_timeout } = self;
        let timeout = ReplyTimeout { limit: *reply_timeout, is_unusable };
        let transaction = timeout.wait(connection.begin_with(statement)).await?;
        Ok(Transaction::Postgres(transaction, timeout))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if *self.is_unusable.get_mut() {
            self.connection.close_on_drop();
        }
    }
}

fn without_logging(options: &PgConnectOptions) -> PgConnectOptions {
    options.clone().statement_cache_capacity(STATEMENTS_MAX).disable_statement_logging()
}

/// Commits are durable before they are acknowledged, whatever the server's default, and every wait is bounded.
fn settings(statement_timeout: Duration) -> String {
    let statement_ms = statement_timeout.as_millis();
    let lock_ms = (statement_timeout / LOCK_TIMEOUT_DIVISOR).as_millis();
    format!(
        "SET synchronous_commit = on; SET statement_timeout = {statement_ms}; SET lock_timeout = {lock_ms}; \
         SET idle_in_transaction_session_timeout = {statement_ms}; SET default_transaction_isolation = 'read committed'; \
         SET client_min_messages = warning; SET timezone = 'UTC'"
    )
}

async fn check_durability(
    pool: &PgPool,
    options: &PgConnectOptions,
    config: &StoreConfig,
) -> Result<(), OpenError> {
    let failed =
        |source: sqlx::Error| OpenError::Server { location: config.url.to_string(), source: source.into() };
    let mut connection = match pool.acquire().await {
        Ok(connection) => connection,
        Err(sqlx::Error::PoolTimedOut) => return Err(failed(timeout_cause(options, config).await)),
        Err(error) => return Err(failed(error)),
    };
    for setting in ["fsync", "full_page_writes"] {
        if current_setting(&mut connection, setting).await.map_err(failed)? == "off" {
            return Err(OpenError::NotDurable { setting });
        }
    }
    Ok(())
}

/// The pool repeats refused connections until its timeout, and then tells nothing but that.
async fn timeout_cause(options: &PgConnectOptions, config: &StoreConfig) -> sqlx::Error {
    let settings = settings(config.statement_timeout);
    let attempt = async { options.connect().await?.execute(AssertSqlSafe(settings)).await };
    match tokio::time::timeout(CAUSE_WITHIN, attempt).await {
        Ok(Err(cause)) => cause,
        Ok(Ok(_)) | Err(_) => sqlx::Error::Io(ErrorKind::TimedOut.into()),
    }
}

async fn current_setting(connection: &mut PgConnection, setting: &str) -> Result<String, sqlx::Error> {
    let query = sqlx::query("SELECT current_setting($1)").bind(setting);
    query.fetch_one(connection).await?.try_get(0)
}
