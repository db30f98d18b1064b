//! The broker's event streams: our client against a fake broker with every known fault; Circle's SNS messages; the
//! statements of providers; and random worlds of all three.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod endings;
mod fixture;
mod hour;
mod inbox;
mod resuming;
mod server;
mod sns;
mod statements;
mod worlds;
