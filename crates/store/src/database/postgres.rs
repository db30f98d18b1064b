//! Connections to Postgres: what each session is told, and that the server keeps what it acknowledges.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection, PgPool, Row as _};

use crate::config::StoreConfig;
use crate::error::{Error, OpenError};

/// A connection is replaced after this long, so that a new password, a moved server and new certificates are taken up.
const LIFETIME: Duration = Duration::from_mins(30);
/// A connection that nobody used for this long is closed.
const IDLE: Duration = Duration::from_mins(5);
/// Texts of statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 256;
/// Longest wait for a row that another transaction holds, of the time that a statement may take.
const LOCK_SHARE: u32 = 2;

pub(super) async fn open(options: &PgConnectOptions, config: &StoreConfig) -> Result<PgPool, OpenError> {
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
    Ok(pool)
}

/// Statements are not logged.
pub(super) fn quiet(options: &PgConnectOptions) -> PgConnectOptions {
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
