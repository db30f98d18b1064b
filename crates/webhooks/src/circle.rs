//! Circle: wallets and tokens, by two unrelated systems.
//!
//! [`direct`] is the second system: Circle posts and signs by itself. [`sns`] is the first: Amazon SNS delivers and signs.
//! Both arrive at one address; [`System::of`] tells them apart.

pub mod direct;
pub mod sns;
mod system;

pub use system::System;
