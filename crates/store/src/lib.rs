//! Everything that outlives a request: SQLite or Postgres behind one [`Store`], chosen by the URL.
//!
//! A delivery whose sender is proved is kept before it is acknowledged ([`Store::receive`]), and its effect is applied later,
//! exactly once, by whoever leases it ([`Store::lease`], [`Store::apply`]). What is written commits together with its entry
//! in the audit chain. All SQL of the product is in this crate; it knows no HTTP and reads no clock.

mod actor;
mod audit_log;
mod backlog;
mod business;
mod chain;
mod circle_keys;
mod config;
mod cursors;
mod database;
mod dead_letters;
mod elections;
mod error;
mod events;
mod hex;
mod ids;
mod inbox;
mod ledger;
mod migrations;
mod portfolio;
mod replay;
mod retention;
mod store;
mod url;
mod work;

pub use actor::Actor;
pub use audit_log::{AUDIT_PAGE_MAX, VerifyError};
pub use backlog::Backlog;
pub use business::{
    ACTIVE_WITHIN, DepositDrift, Figures, MARK_AHEAD_MAX, MARKS_MAX, Mark, Snapshots, TrialBalance,
    TrialLine, Worth,
};
pub use circle_keys::{CIRCLE_KEYS_MAX, CircleKey};
pub use config::{CONNECTIONS, QUEUE_DELIVERIES, StoreConfig};
pub use dead_letters::DeadLetter;
pub use error::{DriverError, Error, OpenError, with_causes};
pub use events::{EventDetail, EventLine, Events, Filter, IDS_MAX, PAGE_ROWS_MAX, Page, WorkLine};
pub use ids::{EventId, IdError, WorkId};
pub use inbox::{Cursor, Receipt, ReceiveError};
pub use ledger::{ENTRIES_MAX, Entries, EntriesOf, Entry};
pub use migrations::MigrateError;
pub use portfolio::{Held, Portfolio};
pub use replay::{REPLAY_MAX, Replayed};
pub use retention::REDACT_MAX;
pub use store::Store;
pub use url::{DatabaseUrl, UrlError};
pub use work::{ATTEMPTS_MAX, Applied, Cause, LEASE_MAX, Leased, WorkState};
