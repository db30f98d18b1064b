//! The connections that carry commands. Each carries many at once; more are opened while each has many in progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arc_swap::{ArcSwap, ArcSwapOption};

use crate::connection::Connection;

/// Commands in progress after which another connection is opened.
const IN_PROGRESS_MAX: usize = 64;
/// Connections that carry no commands: one that checks whether Redis answers, and one that replaces another.
const BESIDE: usize = 2;

pub(crate) struct Pool {
    slots: ArcSwap<Vec<Arc<Slot>>>,
    next: AtomicUsize,
    fixed: usize,
    idle_max: usize,
    max: usize,
    idle_timeout: Duration,
    started: Instant,
}

/// A place for a connection.
pub(crate) struct Slot {
    connection: ArcSwapOption<(u64, Connection)>,
    in_progress: AtomicUsize,
    used_at_ms: AtomicU64,
}

/// A command in progress.
pub(crate) struct Use(Arc<Slot>);

impl Pool {
    pub(crate) fn new(settings: &config::Redis) -> Self {
        let slots = (0..settings.pool_size).map(|_| Arc::new(Slot::new())).collect();
        Self {
            slots: ArcSwap::from_pointee(slots),
            next: AtomicUsize::new(0),
            fixed: settings.pool_size,
            idle_max: settings.idle_connections_max,
            max: settings.connections_max - BESIDE,
            idle_timeout: settings.idle_timeout,
            started: Instant::now(),
        }
    }

    /// The next connection, and whether all have much to do.
    pub(crate) fn next(&self) -> (Use, bool) {
        let slots = self.slots.load();
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.fixed;
        let usual = &slots[first];
        let slot = match usual.in_progress() >= IN_PROGRESS_MAX || !usual.is_connected() {
            true => slots.iter().filter(|slot| slot.is_connected()).min_by_key(|slot| slot.in_progress()),
            false => None,
        };
        let slot = slot.unwrap_or(usual);
        let is_busy = slot.in_progress() >= IN_PROGRESS_MAX && slots.len() < self.max;
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        slot.used_at_ms.store(now_ms, Ordering::Relaxed);
        slot.in_progress.fetch_add(1, Ordering::Relaxed);
        (Use(Arc::clone(slot)), is_busy)
    }

    /// Slots whose connection is missing, or older than `generation`.
    pub(crate) fn outdated(&self, generation: u64) -> Vec<Arc<Slot>> {
        let slots = self.slots.load();
        slots.iter().filter(|slot| slot.generation() != Some(generation)).map(Arc::clone).collect()
    }

    /// Whether a connection is open.
    pub(crate) fn is_usable(&self) -> bool {
        self.slots.load().iter().any(|slot| slot.is_connected())
    }

    /// Removes all connections, because Redis may be elsewhere.
    pub(crate) fn discard(&self) {
        self.slots.load().iter().for_each(|slot| slot.connection.store(None));
    }

    /// Adds a connection if the limit allows it.
    pub(crate) fn grow(&self, generation: u64, connection: Connection) {
        let mut slots = self.slots.load().to_vec();
        if slots.len() < self.max {
            let slot = Slot::new();
            slot.connect(generation, connection);
            slot.used_at_ms.store(self.now_ms(), Ordering::Relaxed);
            slots.push(Arc::new(slot));
            self.slots.store(Arc::new(slots));
        }
    }

    /// Whether another connection may be added.
    pub(crate) fn has_room(&self) -> bool {
        self.slots.load().len() < self.max
    }

    /// Closes the connections that were not used for long, except those that stay open.
    pub(crate) fn close_idle(&self) {
        let mut slots = self.slots.load().to_vec();
        let before = slots.len();
        let idle_since_ms =
            self.now_ms().saturating_sub(u64::try_from(self.idle_timeout.as_millis()).unwrap_or(u64::MAX));
        while slots.len() > self.idle_max.max(self.fixed)
            && slots.last().is_some_and(|slot| slot.used_at_ms.load(Ordering::Relaxed) < idle_since_ms)
        {
            slots.pop();
        }
        if slots.len() < before {
            self.slots.store(Arc::new(slots));
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Slot {
    fn new() -> Self {
        Self {
            connection: ArcSwapOption::empty(),
            in_progress: AtomicUsize::new(0),
            used_at_ms: AtomicU64::new(0),
        }
    }

    /// Puts this connection in the place of the one before.
    pub(crate) fn connect(&self, generation: u64, connection: Connection) {
        self.connection.store(Some(Arc::new((generation, connection))));
    }

    fn generation(&self) -> Option<u64> {
        self.connection.load().as_ref().map(|connection| connection.0)
    }

    fn is_connected(&self) -> bool {
        self.connection.load().is_some()
    }

    fn in_progress(&self) -> usize {
        self.in_progress.load(Ordering::Relaxed)
    }
}

impl Use {
    pub(crate) fn connection(&self) -> Option<Arc<(u64, Connection)>> {
        self.0.connection.load_full()
    }

    /// Removes a connection that is broken, unless it was replaced already.
    pub(crate) fn discard(&self, broken: &Arc<(u64, Connection)>) {
        self.0.connection.compare_and_swap(broken, None);
    }
}

impl Drop for Use {
    fn drop(&mut self) {
        self.0.in_progress.fetch_sub(1, Ordering::Relaxed);
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Pool").field("connections", &self.slots.load().len()).finish_non_exhaustive()
    }
}
