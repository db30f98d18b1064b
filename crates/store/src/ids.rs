//! Ids of events, jobs, entries, journals and reviews.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// What an id is as text: the pattern in the API reference. Eighteen digits always fit.
pub const ID_PATTERN: &str = "^[1-9][0-9]{0,17}$";
const ID_DIGITS_MAX: usize = 18;

/// The id of a stored event. Later events have greater ids; there may be gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(i64);

/// The id of a job: an event that is to be applied because it was received, replayed or requeued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(i64);

/// The id of an entry of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId(i64);

/// The id of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalId(i64);

/// The id of a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReviewId(i64);

/// The text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id must be a whole number above zero of at most 18 digits")]
pub struct IdError;

macro_rules! id {
    ($name:ident) => {
        impl $name {
            pub(crate) const fn new(number: i64) -> Self {
                Self(number)
            }

            /// The id as a number.
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
                let is_plain = is_plain && text.len() <= ID_DIGITS_MAX;
                let number = text.parse().ok().filter(|_| is_plain);
                number.map(Self).ok_or(IdError)
            }
        }

        // As text, because JavaScript rounds large numbers.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    };
}

id!(EventId);
id!(JobId);
id!(EntryId);
id!(JournalId);
id!(ReviewId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_from_their_text() {
        assert_eq!("42".parse(), Ok(EventId::new(42)));
        assert_eq!(EventId::new(42).to_string(), "42");
        assert_eq!("999999999999999999".parse(), Ok(EventId::new(999_999_999_999_999_999)));
        for text in ["", "0", "-1", "+1", "01", "1 ", "1000000000000000000", "99999999999999999999"] {
            assert_eq!(text.parse::<EventId>(), Err(IdError), "{text}");
        }
    }
}
