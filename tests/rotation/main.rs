//! Secrets that change while servers run: two real processes, one fake Secrets Manager, real rotations, and requests
//! that come whether or not earlier ones were answered.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod api_keys;
mod canary;
mod database_url;
mod load;
mod outages;
mod places;
mod signing_key;
mod stage;
mod vendor_key;
mod webhook_secret;
