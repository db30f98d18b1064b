//! The client of Redis: bounded in time and number, and quick to notice that Redis is away or back.
//!
//! A connection whose password was refused once never recovers by itself, so that this client replaces connections, and does not
//! rely on those that reconnect.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::FromRedisValue;
use secrets::{SecretHandle, Secrets};
use telemetry::metrics::Metrics;
use telemetry::traces::{self, SpanKind};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::breaker::Breaker;
use crate::connection::{Connection, Connector, ping};
use crate::error::Error;
use crate::pool::Pool;
use crate::scripts::Script;

/// Time between two checks whether Redis answers, in milliseconds; each is up to a fifth shorter or longer, so that replicas do not
/// check at once.
const CHECK_PERIOD_MS: u64 = 500;
/// Longest wait of a check for the answer.
const CHECK_TIMEOUT: Duration = Duration::from_millis(250);
/// Pause before the first retry of a command, which doubles to the longest one.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_millis(100);
/// Least time between two attempts to open connections.
const CONNECT_PERIOD: Duration = Duration::from_millis(250);
/// The same after a refused password, so that Redis is not flooded with attempts.
const LOGIN_PERIOD: Duration = Duration::from_secs(1);
/// Time between two looks for idle connections.
const IDLE_CHECK_PERIOD: Duration = Duration::from_secs(1);
/// Least time between two reads of a refused password from its source.
const REFRESH_PERIOD: Duration = Duration::from_secs(10);
const PASSWORD: &str = "redis_password";

/// The state of the checks whether Redis answers.
struct Checks {
    connection: Option<(u64, Connection)>,
    /// Whether there was a connection before this one.
    has_connected: bool,
    /// Before that, no other attempt to log in is made.
    login_at: Instant,
    refreshed_at: Option<Instant>,
}

/// The client; its clones share connections.
#[derive(Clone, Debug)]
pub struct Redis(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connector: Connector,
    pool: Pool,
    breaker: Breaker,
    password: SecretHandle,
    secrets: Secrets,
    /// Counts the values of the password.
    generation: AtomicU64,
    /// A connection is missing, or more are needed.
    is_needed: Notify,
    /// Every connection has much to do.
    is_busy: AtomicBool,
    /// Purposes for which the user of Redis lacks a permission, as logged.
    refused: Mutex<BTreeSet<&'static str>>,
    metrics: Arc<Metrics>,
}

impl Redis {
    /// A client without connections; `None` if no Redis is configured. [`run`](Self::run) opens connections.
    ///
    /// # Errors
    /// The secret is not declared.
    pub fn new(
        settings: &config::Redis,
        secrets: &Secrets,
        metrics: &Arc<Metrics>,
    ) -> Result<Option<Self>, secrets::Error> {
        let Some(endpoint) = settings.endpoint() else { return Ok(None) };
        Ok(Some(Self(Arc::new(Inner {
            connector: Connector::new(endpoint, settings),
            pool: Pool::new(settings),
            breaker: Breaker::new(Arc::clone(metrics)),
            password: secrets.handle(PASSWORD, "coordination")?,
            secrets: secrets.clone(),
            generation: AtomicU64::new(0),
            is_needed: Notify::new(),
            is_busy: AtomicBool::new(false),
            refused: Mutex::default(),
            metrics: Arc::clone(metrics),
        }))))
    }

    /// Whether no command is sent, because Redis does not answer.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.0.breaker.is_open()
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.0.connector.is_cluster()
    }

    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        &self.0.metrics
    }

    /// Opens connections, replaces those that broke and those with an old password, and checks whether Redis answers; never
    /// returns.
    pub async fn run(self) {
        let mut password = self.0.password.clone();
        let follow_password = async {
            loop {
                password.changed().await;
                self.0.generation.fetch_add(1, Ordering::Relaxed);
                self.0.is_needed.notify_one();
                tracing::info!("password of Redis changed: connections are replaced");
            }
        };
        tokio::join!(self.check(), self.connect(), follow_password);
    }

    /// Runs a command within its time. If its connection breaks, it is repeated on another one.
    pub(crate) async fn run_script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[String],
    ) -> Result<T, Error> {
        let Inner { connector, breaker, metrics, .. } = &*self.0;
        if breaker.is_open() {
            return Err(Error::Away);
        }
        let (purpose, mut pause) = (script.purpose, PAUSE_MIN);
        let mut retries = 0..connector.retries_max();
        loop {
            let started = Instant::now();
            let error = match self.run_once(script, keys, arguments).await {
                Ok(value) => {
                    breaker.note_success();
                    metrics.coordination.answered(purpose, started.elapsed());
                    return Ok(value);
                }
                Err(error) => error,
            };
            if error.is_of_permission() {
                metrics.coordination.count(purpose, error.outcome());
                self.log_permission(purpose, &error);
                return Err(error);
            }
            if !error.is_of_connection() || retries.next().is_none() {
                metrics.coordination.count(purpose, error.outcome());
                breaker.note_failure(&error);
                return Err(error);
            }
            metrics.coordination.count(purpose, "retried");
            sleep(pause).await;
            pause = (2 * pause).min(PAUSE_MAX);
        }
    }

    /// Runs a command once. A failure is counted, and does not decide whether Redis is away.
    pub(crate) async fn try_script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[String],
    ) -> Option<T> {
        if self.is_away() {
            return None;
        }
        let started = Instant::now();
        let result = self.run_once(script, keys, arguments).await;
        let commands = &self.0.metrics.coordination;
        match &result {
            Ok(_) => commands.answered(script.purpose, started.elapsed()),
            Err(error) => commands.count(script.purpose, error.outcome()),
        }
        result.ok()
    }

    /// Once for each purpose: the same is refused again and again.
    fn log_permission(&self, purpose: &'static str, error: &Error) {
        if self.0.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(purpose) {
            let error = telemetry::with_causes(error);
            tracing::error!(
                purpose,
                error,
                "the user of Redis lacks a permission: grant it as docs/scaling.md says"
            );
        }
    }

    /// Within a span, if a recorded request waits for it.
    async fn run_once<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[String],
    ) -> Result<T, Error> {
        let mut span = traces::child(SpanKind::Client, || format!("EVALSHA {}", script.purpose));
        span.set("db.system.name", "redis");
        span.set("db.operation.name", "EVALSHA");
        self.send(script, keys, arguments).await.inspect_err(|error| span.fail(error.outcome()))
    }

    async fn send<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[String],
        arguments: &[String],
    ) -> Result<T, Error> {
        let Inner { connector, pool, is_needed, is_busy, .. } = &*self.0;
        let (used, has_much_to_do) = pool.next();
        if has_much_to_do && !is_busy.swap(true, Ordering::Relaxed) {
            is_needed.notify_one();
        }
        let Some(shared) = used.connection() else {
            is_needed.notify_one();
            return Err(Error::NoConnection);
        };
        let mut connection = shared.1.clone();
        let command = script.run(&mut connection, keys, arguments);
        let result = timeout(connector.command_timeout(), command).await;
        let error = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) if !error.is_timeout() => Error::Redis(error),
            Ok(Err(_)) | Err(_) => Error::Timeout,
        };
        // The connections of a cluster are replaced one by one, by its client.
        if (error.is_of_connection() && !connector.is_cluster()) || error.is_of_login() {
            used.discard(&shared);
            is_needed.notify_one();
        }
        Err(error)
    }

    /// Checks whether Redis answers, on a connection of its own.
    async fn check(&self) {
        let Inner { pool, breaker, is_needed, metrics, .. } = &*self.0;
        let mut checks =
            Checks { connection: None, has_connected: false, login_at: Instant::now(), refreshed_at: None };
        loop {
            let mut result = self.check_once(&mut checks).await;
            // After a failure, Redis may answer on another connection: it closed this one, or is elsewhere.
            if let Err(error) = &result
                && checks.connection.take().is_some()
                && !error.is_timeout()
            {
                result = self.check_once(&mut checks).await;
            }
            metrics.coordination.count("ping", result.as_ref().map_or_else(Error::outcome, |()| "ok"));
            let mut period_ms = spread(CHECK_PERIOD_MS, 20);
            match result {
                Err(error) => breaker.open(&error),
                // A connection for commands comes first, so that none fails.
                Ok(()) if breaker.is_open() && !pool.is_usable() => {
                    is_needed.notify_one();
                    period_ms = CHECK_PERIOD_MS / 10;
                }
                Ok(()) => breaker.close(),
            }
            sleep(Duration::from_millis(period_ms)).await;
        }
    }

    async fn check_once(&self, checks: &mut Checks) -> Result<(), Error> {
        let Inner { connector, pool, breaker, generation, .. } = &*self.0;
        let newest = generation.load(Ordering::Relaxed);
        let is_outdated = checks.connection.as_ref().is_none_or(|(generation, _)| *generation != newest);
        if is_outdated && Instant::now() >= checks.login_at {
            match connector.connect(self.password().as_deref()).await {
                Ok(connection) => {
                    // Another server may have the data since: the connections for commands are replaced, too.
                    let is_elsewhere = checks.has_connected && breaker.is_open();
                    let newest = match is_elsewhere {
                        true => generation.fetch_add(1, Ordering::Relaxed) + 1,
                        false => newest,
                    };
                    if is_elsewhere {
                        pool.discard();
                    }
                    (checks.connection, checks.has_connected) = (Some((newest, connection)), true);
                }
                Err(error) => {
                    if error.is_of_login() {
                        checks.login_at = Instant::now() + LOGIN_PERIOD;
                        self.refresh_password(&mut checks.refreshed_at).await;
                    }
                    if checks.connection.is_none() {
                        return Err(error);
                    }
                }
            }
        }
        let Some((_, connection)) = &mut checks.connection else { return Err(Error::NoConnection) };
        match timeout(CHECK_TIMEOUT, ping(connection)).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(Error::Timeout),
        }
    }

    /// Opens the connections that are missing, outdated or needed.
    async fn connect(&self) {
        let Inner { pool, is_needed, .. } = &*self.0;
        loop {
            let pause = self.connect_once().await;
            pool.close_idle();
            sleep(pause).await;
            let _idle = timeout(IDLE_CHECK_PERIOD, is_needed.notified()).await;
        }
    }

    /// How long to wait before the next attempt.
    async fn connect_once(&self) -> Duration {
        let Inner { connector, pool, generation, metrics, is_needed, .. } = &*self.0;
        let newest = generation.load(Ordering::Relaxed);
        let password = self.password();
        for slot in pool.outdated(newest) {
            match connector.connect(password.as_deref()).await {
                Ok(connection) => {
                    slot.connect(newest, connection);
                    metrics.coordination.reconnects.inc();
                }
                Err(error) => {
                    is_needed.notify_one();
                    return if error.is_of_login() { LOGIN_PERIOD } else { CONNECT_PERIOD };
                }
            }
        }
        if self.0.is_busy.swap(false, Ordering::Relaxed)
            && pool.has_room()
            && let Ok(connection) = connector.connect(password.as_deref()).await
        {
            pool.grow(newest, connection);
        }
        Duration::ZERO
    }

    fn password(&self) -> Option<String> {
        let set = self.0.password.load_optional().ok()??;
        set.value().expose_text().map(str::to_owned)
    }

    /// Looks for another password, because Redis refuses this one.
    async fn refresh_password(&self, refreshed_at: &mut Option<Instant>) {
        if refreshed_at.is_some_and(|at: Instant| at.elapsed() < REFRESH_PERIOD) {
            return;
        }
        *refreshed_at = Some(Instant::now());
        let invalidated = self.0.secrets.invalidate(PASSWORD).await;
        if let Err(error) = invalidated.and(self.0.secrets.refresh(PASSWORD).await.map(drop)) {
            tracing::warn!(%error, "reading the password of Redis again failed");
        }
    }
}

/// A number of this size, up to so many percent less or more.
pub(crate) fn spread(number: u64, percent: u64) -> u64 {
    let random = u64::from(getrandom::u32().unwrap_or(u32::MAX / 2));
    let range = 2 * number * percent / 100;
    number - range / 2 + random % (range + 1)
}
