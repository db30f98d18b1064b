//! The rules of AWS Secrets Manager as cases in raw JSON 1.1. Our fake passes every case. `deviations.json` lists the cases
//! that the emulators fail; any other result fails the suite.
//!
//! The rules come from the service's API reference (version 2017-10-17) and, where that names no error, from its known errors. None of the cases has been run against a real account.

mod backend;
mod cases;
mod clock;
mod comparison;
mod conformance;
mod faults;
mod official_client;
