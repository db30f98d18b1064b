//! The wall clock: the only place that reads it.
//!
//! Pure code takes a time as an argument, handlers take [`Now`]. Durations are measured with
//! [`Instant`](std::time::Instant), which no one can set back.

use std::convert::Infallible;
use std::time::SystemTime;

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use jiff::Timestamp;

/// Where wall time comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// Always the same moment, for tests.
    Fixed(Timestamp),
}

impl Clock {
    /// The time now.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Fixed(moment) => moment,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one clock module")]
fn system_now() -> Timestamp {
    // A clock beyond the year 9999 is as wrong as one at the epoch.
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// The time at which a handler looked at the clock of the router's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now(pub Timestamp);

impl<S> FromRequestParts<S> for Now
where
    S: Sync,
    Clock: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(_parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(Clock::from_ref(state).now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_is_read_and_a_fixed_one_stands_still() {
        let later_than = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        assert!(Clock::System.now() > later_than);
        assert_eq!(Clock::Fixed(later_than).now(), later_than);
    }
}
