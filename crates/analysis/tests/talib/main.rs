//! Indicators, patterns and votes compared with TA-Lib 0.8.2 on AAPL, MSFT and IBM (3,270 bars each), and properties that
//! need no reference.
//!
//! `tests/fixtures/talib/make.py` generates the reference values.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its fixture too")]

mod fixture;
mod flat;
mod fuzz;
mod newest;
mod properties;
mod series;
mod textbook;
