//! The wall clock. No other module reads it.
//!
//! Everything else takes a time or a [`Clock`] as an argument. Durations are measured with
//! [`Instant`](std::time::Instant), which cannot be set back.

use std::time::SystemTime;

use jiff::Timestamp;

/// The source of wall time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The clock of the machine.
    #[default]
    System,
    /// Always the same time, for tests.
    Fixed(Timestamp),
}

impl Clock {
    /// The current time.
    #[must_use]
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => system_now(),
            Self::Fixed(time) => time,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one clock module")]
fn system_now() -> Timestamp {
    // A clock beyond the year 9999 is as wrong as one at the epoch.
    Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_advances_and_a_fixed_one_does_not() {
        let earlier = "2026-01-01T00:00:00Z".parse::<Timestamp>().unwrap();
        assert!(Clock::System.now() > earlier);
        assert_eq!(Clock::Fixed(earlier).now(), earlier);
    }
}
