//! The engines, the models and the whole analysis against numbers that came from somewhere else.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the run where it is read")]

mod empyrical;
mod filings;
mod fitting;
mod models;
mod sample;
mod whole;
