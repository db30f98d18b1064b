//! What the black-box tests stand on: the real server started on a free port, and vendors faked by HTTP servers.
//!
//! It starts and stops processes and speaks HTTP. It knows nothing of the server's insides.

pub mod alpaca;
pub mod circle;
mod client;
pub mod database;
pub mod emulators;
pub mod events;
mod loopback;
pub mod midnight;
pub mod polygon;
mod postgres;
pub mod providers;
pub mod raw;
pub mod secrets_manager;
mod server;
mod shelf;
pub mod signer;
pub mod sns;
pub mod volley;

pub use client::Answer;
pub use postgres::Postgres;
pub use server::{Server, ServerOptions, workspace_root};
