//! The background work of one process: each worker has a name, a heartbeat and a longest silence, and stops on shutdown.
//!
//! [`WorkerSupervisor`] starts workers and restarts those that panic; [`WorkerRegistry`] tracks which of them are alive;
//! [`LeaderLease`] elects the one process that runs work for all. The other modules are the workers.

mod business;
mod database_checks;
mod events;
mod health;
mod leader_lease;
mod market_data_checks;
mod prices;
mod reconciliation;
mod redis_checks;
mod registry;
mod retention;
mod secret_checks;
mod stream_ingest;
mod supervisor;

pub use self::reconciliation::run as reconcile;
pub use business::run as compute_business;
pub use database_checks::{DATABASE_SILENCE_MAX, run as check_database};
pub use events::{EVENTS_SILENCE_MAX, Events, PoisonGuard, run as apply_events};
pub use health::{Check, CheckResult, HealthRegistry, Importance, Outcome};
pub use leader_lease::LeaderLease;
pub use market_data_checks::run as check_market_data;
pub use prices::{price_tokens, run as refresh_prices};
pub use redis_checks::run as check_redis;
pub use registry::{Cause, Heartbeat, HeartbeatConfig, UnhealthyWorker, WorkerRegistry};
pub use retention::run as remove_bodies;
pub use secret_checks::run as check_secrets;
pub use stream_ingest::{StreamIngest, run as ingest_stream, watch as watch_streams};
pub use supervisor::WorkerSupervisor;
