//! Metrics of what this process runs on: the threads and tasks of its runtime, its allocator, its connections to the database,
//! and its configuration. Their values are read at each scrape.

use std::time::Duration;

use secrets::ZeroOnFree;
use store::Store;
use telemetry::metrics::{Families, Scrape};
use tokio::runtime::{Handle, RuntimeMetrics};

/// The name and the help text of a metric.
type Metric = (&'static str, &'static str);

const TASKS: Metric = ("tokio_tasks", "Tasks that have not ended");
const WORKERS: Metric = ("tokio_workers", "Threads that run tasks");
const BUSY: Metric =
    ("tokio_busy_seconds_total", "Time for which threads ran tasks, added up over all threads");
const QUEUE_DEPTH: Metric =
    ("tokio_queue_depth", "Tasks in the queue that all threads share, waiting to run");
const ALLOCATED: Metric =
    ("allocator_allocated_bytes", "Memory that the program has allocated and not freed");
const RESIDENT: Metric =
    ("allocator_resident_bytes", "Memory that the allocator has from the system, used or kept for later");
const CONNECTIONS: Metric = ("database_connections", "Open connections to the database");
const CONNECTIONS_MAX: Metric = ("database_connections_max", "Most connections to the database");
const CONNECTIONS_WAITING: Metric =
    ("database_connections_waiting", "Work that waits for a connection, or for the only writer of SQLite");
const REPLICAS_EXPECTED: Metric = ("replicas_expected", "Replicas of the server, by EXPECTED_NODES");
const CONFIG: Metric = (
    "config_info",
    "Always 1; the label is a hash of the settings in force, without secrets: it is equal on replicas with equal settings",
);

/// What this process runs on.
pub(crate) struct ThisProcess {
    /// The runtime of requests and workers.
    pub(crate) runtime: Handle,
    pub(crate) store: Store,
    /// The hash of the settings in force.
    pub(crate) config_hash: String,
    /// Replicas of the server.
    pub(crate) expected_nodes: u32,
}

impl ThisProcess {
    /// # Errors
    /// A name is malformed or already registered.
    pub(crate) fn register(self, families: &Families) -> Result<(), prometheus::Error> {
        self.store.query_durations().register(families)?;
        families.register_scrape(move |scrape| {
            read_runtime(scrape, &self.runtime.metrics())?;
            read_allocator(scrape)?;
            self.read_connections(scrape)?;
            scrape.gauges(REPLICAS_EXPECTED, [], [([""; 0], f64::from(self.expected_nodes))])?;
            scrape.gauges(CONFIG, ["hash"], [([&self.config_hash], 1.0)])
        })
    }

    fn read_connections(&self, scrape: &mut Scrape) -> Result<(), prometheus::Error> {
        let connections = self.store.connection_use();
        let states = [("in_use", connections.in_use), ("idle", connections.idle)];
        scrape.gauges(CONNECTIONS, ["state"], states.map(|(state, number)| ([state], number as f64)))?;
        gauge(scrape, CONNECTIONS_MAX, Some(connections.max))?;
        gauge(scrape, CONNECTIONS_WAITING, Some(connections.waiting))
    }
}

fn read_runtime(scrape: &mut Scrape, runtime: &RuntimeMetrics) -> Result<(), prometheus::Error> {
    let workers = runtime.num_workers();
    let busy: Duration = (0..workers).map(|worker| runtime.worker_total_busy_duration(worker)).sum();
    gauge(scrape, TASKS, Some(runtime.num_alive_tasks()))?;
    gauge(scrape, WORKERS, Some(workers))?;
    gauge(scrape, QUEUE_DEPTH, Some(runtime.global_queue_depth()))?;
    scrape.seconds(BUSY, [], [([""; 0], busy)])
}

fn read_allocator(scrape: &mut Scrape) -> Result<(), prometheus::Error> {
    let memory = ZeroOnFree::memory();
    gauge(scrape, ALLOCATED, memory.map(|memory| memory.allocated_bytes))?;
    gauge(scrape, RESIDENT, memory.map(|memory| memory.resident_bytes))
}

/// A gauge with one series, or none.
fn gauge(scrape: &mut Scrape, metric: Metric, value: Option<usize>) -> Result<(), prometheus::Error> {
    scrape.gauges(metric, [], value.map(|value| ([""; 0], value as f64)))
}
