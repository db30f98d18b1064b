//! The secrets of a process through AWS Secrets Manager: the provider and the rotation of `crates/secrets` against our
//! fake, which can misbehave, and against two emulators by others, which cannot.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod accepting;
mod calls;
mod canary;
mod crashes;
mod emulators;
mod errors;
mod outages;
mod rotating;
mod stage;
mod writers;
