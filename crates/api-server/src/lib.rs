//! The HTTP service: layers over handlers.
//!
//! Handlers gather, decide by a pure call, and present; layers do what every request needs. What an indicator, a bar
//! or a secret is belongs to other crates.

pub mod answers;
pub mod assembly;
pub mod client_address;
pub mod clock;
pub mod config;
pub mod connection;
pub mod deliveries;
pub mod handlers;
pub mod keys;
pub mod layers;
pub mod logs;
pub mod metrics;
pub mod openapi;
pub mod problem;
pub mod router;
pub mod secret_audit;
pub mod secret_metrics;
pub mod serve;
pub mod source_metrics;
pub mod state;
pub mod workers;

#[cfg(test)]
mod agreement;
