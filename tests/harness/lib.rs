//! The harness of the black-box tests: the real server on a free port, and fake HTTP servers for everyone it talks to.
//!
//! It starts and stops processes and speaks HTTP; it does not link the server. Fakes run on a thread of their own, so that
//! plain and async tests use them alike, and end when dropped. A function panics when its step fails.

#![expect(missing_docs, reason = "items of a test harness are documented where the name does not say it all")]

pub mod alert_receivers;
pub mod alpaca;
pub mod circle;
mod client;
pub mod collector;
pub mod connect_proxy;
pub mod database;
pub mod emulators;
pub mod engine;
pub mod events;
pub mod forwarder;
pub mod help;
pub mod load;
mod loopback;
pub mod midnight;
pub mod polygon;
pub mod providers;
pub mod random;
pub mod raw;
pub mod secrets_manager;
mod server;
pub mod signer;
pub mod sns;
pub mod statements;
mod static_server;

pub use client::Response;
pub use server::{Server, ServerOptions, binary, interruptible, workspace_root};
pub use test_postgres::{PgBouncer, Postgres};
