//! Verifies deliveries and hands them to the store.
//!
//! `webhooks` verifies signatures. This crate holds the active keys, fetches keys from providers, and counts outcomes. It does
//! not depend on an HTTP server: a caller passes headers and a body.

mod circle;
mod document_cache;
mod error;
mod fetch_limiter;
mod fetcher;
mod log_sampler;
mod secret_keys;
mod verified_request;
mod webhook_intake;

#[cfg(test)]
mod tests;

pub use error::{BuildError, IntakeError};
pub use fetcher::FetchError;
pub use secret_keys::{ActiveKeys, NoKey, SecretKeys};
pub use verified_request::VerifiedRequest;
pub use webhook_intake::{IncomingRequest, Outcome, WebhookIntake};
