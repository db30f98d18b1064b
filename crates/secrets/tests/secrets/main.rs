//! Tests of the public API: real files, an injected environment, and scripted sources.

#![expect(clippy::unwrap_used, reason = "every line here is a test, and a test may panic")]

mod canary;
mod corpus;
mod fixture;
mod kubernetes;
mod refresh;
mod reload;
mod rules;
mod scripted;
mod shadows;
mod slips;
mod sources;
