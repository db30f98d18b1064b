//! Analysis of an equity: indicators, risk figures, fundamentals and sentiment, and one overall signal.
//!
//! This crate does no I/O, reads no clock and uses no randomness. Each value has its definition and the bars it was computed
//! from; a value that cannot be computed says why.

mod analyze;
mod confidence;
mod engine;
mod explanation;
mod fall_risk;
mod figure;
pub mod fundamental;
pub mod indicators;
mod input;
mod latest;
mod model_card;
mod models;
mod overall;
pub mod patterns;
pub mod quantitative;
mod rating;
pub mod risk;
mod sentiment;
mod signal;
mod signal_inputs;
pub mod technical;
mod trading;
pub mod training;
mod volatility;

pub use analyze::{Analysis, DirectionForecast, Forecasts, analyze};
pub use engine::{Driver, Engine, ExcludedDriver, Status};
pub use figure::{Absence, DroppedRows, Figure, Span};
pub use input::{AnalysisInput, Benchmark};
pub use latest::RecursiveIndicators;
pub use models::Models;
pub use signal::Signal;
pub use signal_inputs::InputDifference;
