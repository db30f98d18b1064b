//! The persistent state of the server: SQLite or Postgres behind one [`Store`], chosen by the URL.
//!
//! A verified delivery is stored as an event before it is acknowledged ([`Store::receive`]). A worker that leases its job
//! applies it later, exactly once ([`Store::lease`], [`Store::apply_all`]). Every write commits together with its entry in
//! the audit chain. All SQL of the product is in this crate, which reads no clock.

mod accepted_storage;
mod actor;
mod api_keys;
mod audit_key;
mod audit_log;
mod backlog;
mod bans;
mod business;
mod chain;
mod check;
mod circle_keys;
mod config;
mod cursors;
mod customers;
mod database;
mod dead_letters;
mod error;
mod event_reviews;
mod events;
mod ids;
mod inbox;
mod jobs;
mod journals;
mod leader_leases;
mod ledger;
mod migrations;
mod open;
mod proof;
mod reconciliations;
mod replay;
mod reports;
mod retention;
mod reviews;
mod standby;
mod statements;
mod storage;
mod storage_fault;
mod store;
mod sums;
mod unknown_channels;
mod url;

pub use accepted_storage::{AcceptedStorage, accept_storage};
pub use actor::Actor;
pub use api_keys::{
    API_KEY_ROWS_MAX, API_KEYS_MAX, ApiKey, ApiKeyError, ApiKeyFilter, ApiKeyId, ApiKeyIdError, ApiKeySecret,
    ApiKeySettings, ApiKeyState, ApiKeyUse, Forgery, KEY_OVERLAP_DEFAULT, KEY_OVERLAP_MAX,
    KEY_VALIDITY_DEFAULT, KEY_VALIDITY_MAX, Revocation, SettingError,
};
pub use audit_key::{AuditKeyError, audit_key_path, find_audit_key, load_audit_key, parse_audit_key};
pub use audit_log::{AUDIT_PAGE_MAX, VerifyError};
pub use backlog::Backlog;
pub use bans::{BANS_MAX, Ban, BanError};
pub use business::{
    ACTIVE_WITHIN, AssetPrice, CurrencyTotal, CustomerPortfolio, DepositDrift, Figures, MarketValue,
    PRICE_AHEAD_MAX, PRICES_MAX, PastPortfolio, Portfolio, PortfolioPosition, SnapshotRun, TrialBalance,
};
pub use check::{check_open, has_api_keys};
pub use circle_keys::{CIRCLE_KEYS_MAX, CircleKey};
pub use config::{CONNECTIONS, QUEUE_DELIVERIES, StandbyAddress, StoreConfig};
pub use customers::{CUSTOMER_ACCOUNTS_MAX, CustomerAccount, CustomerError};
pub use database::ConnectionUse;
pub use dead_letters::DeadLetter;
pub use error::{DriverError, Error, LocationError, MigrateError, OpenError};
pub use events::{
    EventDetail, EventFilter, EventPage, EventSummary, FILTER_IDS_MAX, JobSummary, PAGE_ROWS_MAX, PageRequest,
};
pub use ids::{EntryId, EventId, ID_PATTERN, IdError, JobId, JournalId, ReviewId};
pub use inbox::{Cursor, Receipt, ReceiveError};
pub use jobs::{ATTEMPTS_MAX, ApplyOutcome, Job, JobCause, JobState, LEASE_MAX};
pub use journals::{JournalError, JournalRecord, JournalState, Maker, Reversal};
pub use ledger::{
    AccountBalance, AccountBalancePage, AccountFilter, AccountFilterError, Balance, ENTRIES_MAX, EntryFilter,
    EntryPage, Finding, LedgerEntry, LedgerVerification, Moment, Place, Problem, Rebuild, RebuildMode,
};
pub use migrations::{MigrationState, MigrationStatus, check_migrations, migrate, migration_status};
pub use proof::EvidenceError;
pub use reconciliations::{Compared, RECONCILIATION_REVIEWS_MAX, ReconciliationRun, UNDATED, UnequalLine};
pub use replay::{REPLAY_MAX, ReplayBatch};
pub use reports::{Cell, ReportFault, ReportFormat, ReportKind, ReportRequest, ReportRow, ReportText};
pub use retention::REDACT_MAX;
pub use reviews::{
    REVIEW_KINDS, ReviewAction, ReviewDetail, ReviewFigures, ReviewFilter, ReviewSummary, SuggestedAction,
};
pub use statements::BookQuery;
pub use storage::StorageState;
pub use storage_fault::StorageFault;
pub use store::Store;
pub use url::{DatabaseUrl, UrlError};
