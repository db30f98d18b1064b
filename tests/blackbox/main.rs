//! The real server, spoken to over HTTP.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod analysis;
mod authentication;
mod configuration;
mod csv_directory;
mod errors;
mod escalation;
mod framing;
mod http2;
mod lifecycle;
mod limits;
mod metrics_told;
mod observability;
mod reference;
mod secrets;
mod vendor;
