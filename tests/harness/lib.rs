//! What the black-box tests stand on: the real server started on a free port, and vendors faked by HTTP servers.
//!
//! It starts and stops processes and speaks HTTP. It knows nothing of the server's insides.

mod client;
pub mod emulators;
mod loopback;
pub mod polygon;
pub mod raw;
pub mod secrets_manager;
mod server;

pub use client::Answer;
pub use server::{Server, ServerOptions, workspace_root};
