//! Indicators, patterns and votes against TA-Lib 0.8.2 on AAPL, MSFT and IBM (3,270 bars each), and properties that
//! need no reference.
//!
//! The reference values come from `tests/fixtures/talib/make.py`, which says how to make them again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its fixture too")]

mod fixture;
mod fuzz;
mod newest;
mod properties;
mod series;
mod still;
mod textbook;
