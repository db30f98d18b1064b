//! The AWS provider and the rotation of `crates/secrets`, against our fake with its faults, and against two emulators.

mod calls;
mod canary;
mod crashes;
mod emulators;
mod errors;
mod fixture;
mod outages;
mod overlap;
mod rotation;
mod writers;
