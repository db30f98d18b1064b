//! Rotations of secrets under load: two real servers, one fake Secrets Manager, and requests at a fixed rate.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod api_keys;
mod canary;
mod database_url;
mod fixture;
mod load;
mod outages;
mod signing_key;
mod slips;
mod sources;
mod vendor_key;
mod webhook_secret;
