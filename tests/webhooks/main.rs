//! Webhooks through the real server: verified, stored before the response, applied exactly once. Signatures come from
//! independent code; expected amounts are computed by hand.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod admin;
mod business;
mod cluster;
mod crash_points;
mod day;
mod failover;
mod hostile;
mod large_sums;
mod order;
mod outage;
mod race;
mod storage;
