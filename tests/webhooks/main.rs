//! Webhooks through the real server: proved, kept before they are answered, applied exactly once. Signatures come from
//! signers of others; what is expected of money is computed by hand.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod admin;
mod business;
mod cluster;
mod crash_points;
mod day;
mod hostile;
mod order;
mod outage;
mod race;
