//! `crates/secrets` from outside: against AWS Secrets Manager (our fake and two emulators), and in the memory of a process.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod manager;
mod memory;
mod provider;
