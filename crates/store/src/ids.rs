//! Names of rows that people and other parts speak of.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A delivery that is kept. Later ones have greater ids; there may be gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(i64);

/// One piece of work on an event: its arrival, a replay, a requeue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkId(i64);

/// The text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is a whole number above zero")]
pub struct IdError;

macro_rules! id {
    ($name:ident) => {
        impl $name {
            pub(crate) const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The number that it is written as.
            #[must_use]
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, out)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
                let number = text.parse().ok().filter(|_| is_plain);
                number.map(Self).ok_or(IdError)
            }
        }

        // As text: JavaScript rounds great numbers.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

id!(EventId);
id!(WorkId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        assert_eq!("42".parse(), Ok(EventId::new(42)));
        assert_eq!(EventId::new(42).to_string(), "42");
        for text in ["", "0", "-1", "+1", "01", "1 ", "99999999999999999999"] {
            assert_eq!(text.parse::<EventId>(), Err(IdError), "{text}");
        }
    }
}
