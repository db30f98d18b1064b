//! The crate from outside: real files, an environment handed in, and places that answer as a test tells them to.

#![expect(clippy::unwrap_used, reason = "every line here is a test, and a test may panic")]

mod behind;
mod canary;
mod corpus;
mod kubernetes;
mod refresh;
mod reload;
mod rules;
mod scripted;
mod sources;
mod stage;
