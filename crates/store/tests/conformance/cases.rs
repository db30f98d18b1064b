//! The cases, which know no database.

pub(crate) mod api_keys;
pub(crate) mod audit_chain;
pub(crate) mod circle_keys;
pub(crate) mod closing;
pub(crate) mod concurrency;
pub(crate) mod evidence;
pub(crate) mod faults;
pub(crate) mod jobs;
pub(crate) mod mutations;
pub(crate) mod opening;
pub(crate) mod operators;
pub(crate) mod receiving;
pub(crate) mod statements;
pub(crate) mod storage;
