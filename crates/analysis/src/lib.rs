//! Indicators, risk figures, fundamentals and sentiment of an equity, and the one signal made of them.
//!
//! Numbers in, numbers out: no I/O, no clock, no randomness. Every value carries its definition and the bars it was
//! computed from; a value that cannot be computed says why instead.

mod analyze;
pub mod confidence;
mod engine;
pub mod fall_risk;
pub mod figure;
pub mod fundamental;
pub mod indicators;
pub mod json;
pub mod model_card;
mod models;
pub mod overall;
pub mod patterns;
pub mod quantitative;
pub mod rating;
pub mod risk;
pub mod sentiment;
mod signal;
mod subject;
pub mod technical;
pub mod training;
pub mod volatility;

pub use analyze::{Analysis, Direction, Forecasts, TECHNICAL_BARS_MIN, analyze};
pub use engine::{Driver, Engine, Status};
pub use figure::{Absence, Figure, Span};
pub use models::Models;
pub use signal::Signal;
pub use subject::{Benchmark, Subject};
