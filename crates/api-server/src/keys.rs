//! The active API keys, and whether the service may start without any.

mod mode;
mod ring;
mod throttle;

pub(crate) use mode::{AuthMode, AuthModeError};
pub(crate) use ring::{KeyLists, KeyRing};
pub(crate) use throttle::Throttle;
