//! Black-box tests of the operator's command: the real `investiq`, with the real `api-server` and a Secrets Manager where
//! they belong together.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod audit_chain;
mod aws;
mod canary;
mod check;
mod command;
mod config;
mod keys;
mod local;
mod page;
mod report;
mod rotating;
mod server;
mod trial;
mod webhooks_kept;
mod webhooks_page;
mod webhooks_sent;
