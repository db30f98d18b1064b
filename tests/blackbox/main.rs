//! The real server over HTTP.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod analysis;
mod api_keys;
mod authentication;
mod bans;
mod business_metrics;
mod command_line;
mod compression;
mod configuration;
mod csv_directory;
mod errors;
mod escalation;
mod framing;
mod http2;
mod journals;
mod lifecycle;
mod limits;
mod log_lines;
mod observability;
mod proxy;
mod redaction;
mod reference;
mod reports;
mod runtime_metrics;
mod secrets;
mod snapshots;
mod vendor;
mod windows;
mod without_keys;
