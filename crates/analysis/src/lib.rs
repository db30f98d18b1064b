//! Indicators, risk figures, fundamentals and sentiment of an equity, and the one signal made of them.
//!
//! Numbers in, numbers out: no I/O, no clock, no randomness. Every value carries its definition and the bars it was
//! computed from; a value that cannot be computed says why instead.

pub mod figure;
mod subject;

pub use figure::{Absence, Figure, Span};
pub use subject::{Benchmark, Subject};
