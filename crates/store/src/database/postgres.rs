//! Connections to Postgres, directly or through a pooler, and checks that the server keeps acknowledged commits.
//!
//! Behind a pooler in transaction mode, each transaction may run in another server process: what a session sets is lost, or left
//! to others. Everything that a transaction relies on is therefore set in the message that begins it.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool, Postgres,
    Row as _,
};

use super::reply_timeout::ReplyTimeout;
use super::{Transaction, sql};
use crate::config::StoreConfig;
use crate::error::{Error, OTHER_CONNECTIONS, OpenError};

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
/// Longest wait for a server process while a connection that looks for a pooler holds another.
const HELD_MAX: Duration = Duration::from_secs(1);
/// Transactions that look for a pooler.
const POOLER_PROBES: usize = 8;

const EFFECTIVE: &str = "SELECT current_setting('synchronous_commit') AS synchronous_commit, \
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes";
/// `reserved_connections` is of Postgres 16 and later.
const ALLOWED: &str = "SELECT CAST(SUM(CASE WHEN name = 'max_connections' THEN 1 ELSE -1 END * CAST(setting AS BIGINT)) AS BIGINT) \
    AS count FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')";
const IS_STANDBY: &str = "SELECT COUNT(*) AS count WHERE pg_is_in_recovery()";

pub(crate) struct PostgresDatabase {
    pool: PgPool,
    shared: Arc<Shared>,
}

/// What the sessions of a database have in common.
struct Shared {
    begin_write: String,
    begin_read: String,
    /// A pooler is in between: no statement is kept prepared.
    is_pooled: AtomicBool,
    reply_timeout: Duration,
}

/// A connection of the pool, in use.
pub(crate) struct Session {
    connection: PoolConnection<Postgres>,
    is_unusable: AtomicBool,
    shared: Arc<Shared>,
}

impl PostgresDatabase {
    pub(super) async fn open(options: &PgConnectOptions, config: &StoreConfig) -> Result<Self, OpenError> {
        let options = without_logging(options);
        let database = Self::lazy(&options, config);
        let failed = |source: sqlx::Error| OpenError::Server {
            location: config.url.to_string(),
            source: source.into(),
        };
        match database.find_pooler().await {
            Ok(true) => {
                tracing::warn!("the database is behind a pooler: statements are prepared for each use");
                database.shared.is_pooled.store(true, Ordering::Relaxed);
            }
            Ok(false) => {}
            Err(error) => {
                let is_late = matches!(error, sqlx::Error::PoolTimedOut);
                return Err(failed(if is_late { timeout_cause(&options).await } else { error }));
            }
        }
        let connect = |source| OpenError::Connect { location: config.url.to_string(), source };
        if let Some(setting) = database.lossy_setting().await.map_err(connect)? {
            return Err(OpenError::NotDurable { setting });
        }
        if database.is_standby().await.map_err(connect)? {
            return Err(OpenError::Standby { location: config.url.to_string() });
        }
        database.check_capacity(config).await.map_err(connect)??;
        Ok(database)
    }

    /// Connections to a standby, whose statements are never kept prepared, as if a pooler were in between.
    pub(crate) fn standby(options: &PgConnectOptions, config: &StoreConfig) -> Self {
        let database = Self::lazy(&without_logging(options), config);
        database.shared.is_pooled.store(true, Ordering::Relaxed);
        database
    }

    fn lazy(options: &PgConnectOptions, config: &StoreConfig) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(config.connections.saturating_add(1))
            .acquire_timeout(config.connect_timeout)
            .max_lifetime(LIFETIME_MAX)
            .idle_timeout(IDLE_MAX)
            // After a restart of the server every connection is dead; otherwise requests would fail one by one.
            .test_before_acquire(true)
            .connect_lazy_with(options.clone());
        Self { pool, shared: Arc::new(Shared::new(config.statement_timeout)) }
    }

    /// Whether all replicas together can have their connections. A pooler has a limit of its own, and waits.
    async fn check_capacity(&self, config: &StoreConfig) -> Result<Result<(), OpenError>, Error> {
        if config.replicas == 1 || self.shared.is_pooled.load(Ordering::Relaxed) {
            return Ok(Ok(()));
        }
        let mut session = self.session().await?;
        let allowed = session.begin_read().await?.count(sql!(ALLOWED)).await?;
        let allowed = u32::try_from(allowed).unwrap_or(u32::MAX);
        let (replicas, connections) = (config.replicas, config.connections.saturating_add(1));
        let needed = replicas.saturating_mul(connections).saturating_add(OTHER_CONNECTIONS);
        let is_enough = needed <= allowed;
        Ok(if is_enough {
            Ok(())
        } else {
            Err(OpenError::TooManyConnections { replicas, connections, allowed })
        })
    }

    /// Connections in use, idle ones, and most of them.
    pub(super) fn connection_use(&self) -> (usize, usize, usize) {
        let (size, idle) = (self.pool.size() as usize, self.pool.num_idle());
        (size.saturating_sub(idle), idle, self.pool.options().get_max_connections() as usize)
    }

    pub(crate) async fn session(&self) -> Result<Session, Error> {
        let connection = self.pool.acquire().await?;
        Ok(Session { connection, is_unusable: AtomicBool::new(false), shared: Arc::clone(&self.shared) })
    }

    /// The setting with which the server loses acknowledged commits, if there is one.
    pub(crate) async fn lossy_setting(&self) -> Result<Option<&'static str>, Error> {
        let mut session = self.session().await?;
        let mut tx = session.begin_write().await?;
        let row = tx.fetch_optional(sql!(EFFECTIVE)).await?.ok_or(sqlx::Error::RowNotFound)?;
        for setting in ["synchronous_commit", "fsync", "full_page_writes"] {
            if row.text(setting)? == "off" {
                return Ok(Some(setting));
            }
        }
        Ok(None)
    }

    async fn is_standby(&self) -> Result<bool, Error> {
        let mut session = self.session().await?;
        Ok(session.begin_read().await?.count(sql!(IS_STANDBY)).await? != 0)
    }

    /// Whether a pooler lets clients share server processes: two open connections have the same one, or one changes its, also
    /// while the other holds one.
    async fn find_pooler(&self) -> Result<bool, sqlx::Error> {
        let mut first = self.pool.acquire().await?;
        // A role may be limited to one connection.
        let Ok(mut second) = self.pool.acquire().await else { return Ok(false) };
        let pids = (process_id(&mut first).await?, process_id(&mut second).await?);
        for _ in 0..POOLER_PROBES {
            first.execute(sqlx::raw_sql("BEGIN")).await?;
            let held = process_id(&mut first).await?;
            // All server processes of a pooler may be held by others that look for it too.
            let Ok(other) = tokio::time::timeout(HELD_MAX, process_id(&mut second)).await else {
                second.close_on_drop();
                first.execute(sqlx::raw_sql("ROLLBACK")).await?;
                return Ok(true);
            };
            first.execute(sqlx::raw_sql("ROLLBACK")).await?;
            let now = (process_id(&mut first).await?, process_id(&mut second).await?);
            if (held, other?) != pids || now != pids || pids.0 == pids.1 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A server that was not asked may be a pooler, which costs only time if it is none.
    pub(crate) fn set_options(&self, options: &PgConnectOptions) {
        let before = self.pool.connect_options();
        let address = |options: &PgConnectOptions| {
            (options.get_host().to_owned(), options.get_port(), options.get_socket().cloned())
        };
        if address(&before) != address(options) {
            self.shared.is_pooled.store(true, Ordering::Relaxed);
        }
        self.pool.set_connect_options(without_logging(options));
    }

    pub(crate) async fn close(&self) {
        // An unresponsive connection must not delay the shutdown.
        drop(tokio::time::timeout(self.shared.reply_timeout, self.pool.close()).await);
    }
}

impl Shared {
    /// Commits are durable before they are acknowledged, whatever the server's default, and every wait is bounded.
    fn new(statement_timeout: Duration) -> Self {
        let statement_ms = statement_timeout.as_millis();
        let lock_ms = (statement_timeout / LOCK_TIMEOUT_DIVISOR).as_millis();
        let settings = format!(
            "SET LOCAL synchronous_commit = on; SET LOCAL statement_timeout = {statement_ms}; \
             SET LOCAL lock_timeout = {lock_ms}; \
             SET LOCAL idle_in_transaction_session_timeout = {statement_ms}; \
             SET LOCAL client_min_messages = warning"
        );
        Self {
            begin_write: format!("BEGIN ISOLATION LEVEL READ COMMITTED; {settings}"),
            begin_read: format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {settings}"),
            is_pooled: AtomicBool::new(false),
            reply_timeout: statement_timeout + CANCEL_WITHIN,
        }
    }
}

impl Session {
    pub(super) async fn begin_write(&mut self) -> Result<Transaction<'_>, Error> {
        let Self { connection, is_unusable, shared } = self;
        begin(connection, is_unusable, shared, &shared.begin_write).await
    }

    /// Begins a transaction whose statements see one state of the database.
    pub(crate) async fn begin_read(&mut self) -> Result<Transaction<'_>, Error> {
        let Self { connection, is_unusable, shared } = self;
        begin(connection, is_unusable, shared, &shared.begin_read).await
    }
}

async fn begin<'s>(
    connection: &'s mut PgConnection,
    is_unusable: &'s AtomicBool,
    shared: &'s Shared,
    statements: &str,
) -> Result<Transaction<'s>, Error> {
    let Shared { is_pooled, reply_timeout, .. } = shared;
    let timeout = ReplyTimeout { limit: *reply_timeout, is_unusable, is_pooled };
    let transaction = timeout.wait(connection.begin_with(AssertSqlSafe(statements.to_owned()))).await?;
    Ok(Transaction::on_postgres(transaction, timeout))
}

impl Drop for Session {
    fn drop(&mut self) {
        if *self.is_unusable.get_mut() {
            self.connection.close_on_drop();
        }
    }
}

/// Without the parameter that PgBouncer refuses: no statement returns a floating-point number.
fn without_logging(options: &PgConnectOptions) -> PgConnectOptions {
    let options = options.clone().extra_float_digits(None);
    options.statement_cache_capacity(STATEMENTS_MAX).disable_statement_logging()
}

/// The pool repeats refused connections until its timeout, and then tells nothing but that.
async fn timeout_cause(options: &PgConnectOptions) -> sqlx::Error {
    match tokio::time::timeout(CAUSE_WITHIN, options.connect()).await {
        Ok(Err(cause)) => cause,
        Ok(Ok(_)) | Err(_) => sqlx::Error::Io(ErrorKind::TimedOut.into()),
    }
}

/// The server process of the next transaction.
async fn process_id(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    connection.fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()")).await?.try_get(0)
}
