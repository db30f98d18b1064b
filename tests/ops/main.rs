//! The operator's command: the real `investiq`, with the real `api-server` and a fake Secrets Manager where needed.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod analyze;
mod audit_chain;
mod aws;
mod canary;
mod command;
mod config_check;
mod data_check;
mod doctor;
mod fixture;
mod host;
mod init;
mod journals;
mod keys;
mod ledger;
mod local_files;
mod migrate;
mod reading;
mod reconcile;
mod rotation;
mod rotation_page;
mod same_check;
mod secret_directory;
mod secrets_check;
mod secrets_report;
mod server;
mod start;
mod webhooks_page;
mod webhooks_send;
mod webhooks_stored;
