//! Everything that outlives a request: SQLite or Postgres behind one [`Store`], chosen by the URL.
//!
//! A delivery whose sender is proved is kept before it is acknowledged ([`Store::receive`]), and its effect is applied later,
//! exactly once, by whoever leases it ([`Store::lease`], [`Store::apply`]). What is written commits together with its entry
//! in the audit chain. All SQL of the product is in this crate; it knows no HTTP and reads no clock.

mod actor;
mod chain;
mod config;
mod cursors;
mod database;
mod error;
mod hex;
mod ids;
mod inbox;
mod ledger;
mod migrations;
mod store;
mod url;
mod work;

pub use actor::Actor;
pub use config::{CONNECTIONS, QUEUE_DELIVERIES, StoreConfig};
pub use error::{Error, OpenError};
pub use ids::{EventId, IdError, WorkId};
pub use inbox::{Cursor, Receipt, ReceiveError};
pub use ledger::Posted;
pub use migrations::MigrateError;
pub use store::Store;
pub use url::{DatabaseUrl, UrlError};
pub use work::{ATTEMPTS_MAX, Applied, Cause, LEASE_MAX, Leased, WorkState};
