//! The active API keys, and whether the service may start without any.

mod mode;
mod ring;
mod stored_keys;
mod throttle;

pub(crate) use mode::{AuthMode, AuthModeError};
pub(crate) use ring::{KeyLists, KeyRing, UNCHECKED_MAX};
pub(crate) use stored_keys::{StoredKeyLoader, flush_uses, write_uses};
pub(crate) use throttle::Throttle;
