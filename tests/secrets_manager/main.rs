//! The rules of AWS Secrets Manager as cases that speak raw JSON 1.1: our fake keeps every one; which ones the emulators
//! break is written down in `deviations.json`, and a case that changes sides fails the suite.
//!
//! The rules come from the service's API reference (version 2017-10-17) and, where that names no error, from the errors
//! that the service is known to give. None of the cases has been run against a real account.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod backend;
mod cases;
mod clock;
mod comparison;
mod conformance;
mod faults;
mod official_client;
