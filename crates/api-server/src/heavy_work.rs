//! Requests that take long or answer with much: a few threads compute them, so that other requests do not wait, and the memory of
//! their responses is bounded until clients have read it.
//!
//! Callers share both fairly: one caller uses at most a part of the memory, and has at most as many requests before the threads
//! as there are threads. Further requests wait in order, up to a limit.

mod memory;
mod pool;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use config::api_keys::Label;
use coordination::SharedLimits;
use http::HeaderValue;
use rate_limit::{Limit, LimitStatus, Network};
use telemetry::metrics::Metrics;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::content_encoding::LEVEL_ONCE;
use crate::layers::limit_policy::LimitPolicy;
use crate::layers::request_limit::charge;
use crate::problem::{Kind, Problem};
use crate::representation::Representation;
use crate::request_context::RequestContext;

pub(crate) use memory::Reservation;
use memory::kib;
use pool::Pool;

/// Smaller responses are computed at once: a thread of their own would cost more than it saves.
pub(crate) const HEAVY_BYTES_MIN: usize = 64 * 1024;
/// A request counts as one more for each of these in its body or its response.
const BYTES_PER_REQUEST: usize = 256 * 1024;
/// Memory of bodies and responses: of one caller, and of all.
const CALLER_BYTES_MAX: usize = 16 * 1024 * 1024;
const BYTES_MAX: usize = 128 * 1024 * 1024;
/// Requests of one caller that wait.
const CALLER_WAITING_MAX: usize = 64;
/// Longest wait for memory and for a thread.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// Callers after which those that left are forgotten.
const CALLERS_BEFORE_CLEANUP: usize = 1024;
/// `Retry-After` of a refused request, in seconds.
const RETRY_AFTER_S: u64 = 1;

#[derive(Debug)]
pub(crate) struct HeavyWork {
    pool: Pool,
    memory: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
    callers: Mutex<HashMap<CallerId, Weak<Share>>>,
    key_policy: LimitPolicy,
    shared: Option<SharedLimits>,
    metrics: Arc<Metrics>,
}

/// Who shares with others: a key or, on a server without keys, an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CallerId {
    Key(Label),
    Address(Option<Network>),
}

/// What one caller uses.
#[derive(Debug)]
struct Share {
    memory: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl HeavyWork {
    /// One thread for each core. At most `waiting_max` requests wait.
    ///
    /// # Errors
    /// The threads cannot be started.
    pub(crate) fn new(metrics: Arc<Metrics>, limit: Limit, waiting_max: usize) -> io::Result<Self> {
        let memory = Arc::new(Semaphore::new(kib(BYTES_MAX)));
        let (waiting, callers) = (AtomicUsize::new(0), Mutex::default());
        let (pool, key_policy) = (Pool::start()?, LimitPolicy::for_keys(limit));
        Ok(Self { pool, memory, waiting, waiting_max, callers, key_policy, shared: None, metrics })
    }

    /// Charges keys on all replicas.
    pub(crate) fn with_shared_limits(self, shared: Option<SharedLimits>) -> Self {
        Self { shared, ..self }
    }

    /// Charges the key for a body or a response of this size, which counts as several requests.
    pub(crate) async fn charge(
        &self,
        context: &RequestContext,
        bytes: usize,
    ) -> Result<Option<LimitStatus>, Problem> {
        let further = u32::try_from(bytes / BYTES_PER_REQUEST).unwrap_or(u32::MAX);
        charge(&self.key_policy, context, further, self.shared.as_ref()).await
    }

    /// Memory for `bytes` of a request body or a response, which is free again when the reservation is dropped.
    pub(crate) async fn reserve(
        &self,
        context: &RequestContext,
        bytes: usize,
    ) -> Result<Reservation, Problem> {
        let share = self.share(context);
        self.wait(&share, Reservation::acquire(Arc::clone(&share), &self.memory, bytes)).await
    }

    /// A response of at most about `bytes`, computed and compressed. A small one is computed at once, and compressed by its layer.
    pub(crate) async fn respond(
        &self,
        context: &RequestContext,
        bytes: usize,
        etag: Option<HeaderValue>,
        serialize: impl FnOnce() -> Result<Bytes, Problem> + Send + 'static,
    ) -> Result<Response, Problem> {
        if bytes < HEAVY_BYTES_MIN {
            return Ok(Representation::new(serialize()?, etag).into_response());
        }
        let limit_status = self.charge(context, bytes).await?;
        let reservation = self.reserve(context, bytes).await?;
        let encoding = context.content_encoding.get().copied().unwrap_or_default();
        // With the memory, which work that has begun needs also after its request has ended.
        let compute = move || {
            let mut representation = Representation::new(serialize()?, etag).compressed(encoding, LEVEL_ONCE);
            representation.body = reservation.hold(representation.body);
            Ok::<_, Problem>(representation)
        };
        let representation = self.run(context, compute).await??;
        let mut response = representation.into_response();
        limit_status.map(|status| response.extensions_mut().insert(status));
        Ok(response)
    }

    /// Computes on a thread of the pool.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        context: &RequestContext,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let share = self.share(context);
        let turn = self.wait(&share, Arc::clone(&share.turns).acquire_owned()).await?;
        let turn = turn.expect("a semaphore of a caller is never closed");
        let held = (turn, share);
        Ok(self.pool.run(move || (work(), drop(held)).0).await)
    }

    async fn wait<F: Future>(&self, share: &Share, ready: F) -> Result<F::Output, Problem> {
        let waiting = [Waiting::new(&share.waiting), Waiting::new(&self.waiting)];
        let is_full = waiting[0].before >= CALLER_WAITING_MAX || waiting[1].before >= self.waiting_max;
        let ready = if is_full { None } else { timeout(WAIT_MAX, ready).await.ok() };
        ready.ok_or_else(|| {
            self.metrics.shed.inc();
            let detail = "too many large requests are in progress, or their responses are not read";
            Problem::new(Kind::Overloaded, detail).retry_after_s(RETRY_AFTER_S)
        })
    }

    fn share(&self, context: &RequestContext) -> Arc<Share> {
        let address = || context.client.get().map(|address| Network::from(*address));
        let id = context.key().map_or_else(|| CallerId::Address(address()), |key| CallerId::Key(key.label()));
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = callers.get(&id).and_then(Weak::upgrade) {
            return share;
        }
        if callers.len() >= CALLERS_BEFORE_CLEANUP {
            callers.retain(|_, share| share.strong_count() > 0);
        }
        let share = Arc::new(Share {
            memory: Arc::new(Semaphore::new(kib(CALLER_BYTES_MAX))),
            turns: Arc::new(Semaphore::new(self.pool.threads())),
            waiting: AtomicUsize::new(0),
        });
        callers.insert(id, Arc::downgrade(&share));
        share
    }
}

/// One waiting request; dropping it makes room.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        Self { count, before: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
