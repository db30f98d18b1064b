//! The broker's event streams, read by our client from a fake of the broker that misbehaves in every known way.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod chance;
mod endings;
mod hour;
mod inbox;
mod resuming;
mod server;
mod sns;
mod stage;
