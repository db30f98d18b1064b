//! Compares the statements of providers with the books: what is missing here, missing there, or different.
//!
//! A statement is read from the provider's API or from a CSV file. Rows of an API are interpreted as the events that report
//! them, by the crate `webhooks`, and folded by the crate `ledger`, so that both ways to the books are one. [`compare`] is
//! pure. Nothing is changed, neither at the provider nor in the books; [`record`] opens reviews of what differs.

mod alpaca;
mod api;
mod bridge;
mod circle;
mod client;
mod collector;
mod csv_file;
mod error;
mod matching;
mod pages;
mod reconcile;
mod report;

pub use api::{Api, KeySource, LEAD, secret_names};
pub use csv_file::{FILE_BYTES_MAX, parse as parse_csv};
pub use error::Error;
pub use matching::{MARGIN, Scope, Statement, UnreadLine, compare};
pub use reconcile::{Period, Reconciliation, missing_lists, reconcile, reconcile_statement, record};
pub use report::{Matched, Mismatch, MismatchKind, Report};
