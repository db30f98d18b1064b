//! The wall clock as an argument.

use std::sync::Arc;
use std::time::SystemTime;

/// Returns the wall-clock time. Injected, so that tests can set it.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;
