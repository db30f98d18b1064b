//! Several servers that share rate limits through a real Redis: single, with TLS, with passwords, and as a cluster of six.

#![expect(clippy::unwrap_used, reason = "in a test a failed unwrap is the failure to report")]

mod cluster;
mod connections;
mod load;
mod login;
mod matrix;
mod outages;
mod redis;
mod shared;
mod tls;
mod vendor;
