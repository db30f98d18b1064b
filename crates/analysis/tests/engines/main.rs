//! The engines, the models and the complete analysis, compared with independently computed numbers.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the run where it is read")]

mod analyze;
mod empyrical;
mod filings;
mod fitting;
mod models;
mod sample;
mod windows;
