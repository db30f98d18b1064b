//! Ids of events: ULIDs, which sort by time and so serve as cursors.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _};

/// Characters of a ULID's text.
const TEXT_CHARACTERS: usize = 26;
const CHARACTER_BITS: u32 = 5;
/// Random bits after the time.
const RANDOM_BITS: u32 = 80;
/// Latest time that a ULID can carry, in milliseconds since 1970: the year 10889.
const TIME_MAX_MS: i64 = (1 << 48) - 1;
/// Crockford's digits: no I, L, O or U.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The ULID of an event: 48 bits of milliseconds since 1970, then 80 random bits (github.com/ulid/spec). The order of
/// ids within a millisecond is random.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(u128);

/// The text is not a ULID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event id must be a ULID: 26 of Crockford's digits, the first at most 7")]
pub struct EventIdError;

impl EventId {
    /// The smallest id of the moment `unix_ms`, which is clamped to the years 1970 to 10889.
    #[must_use]
    pub fn earliest_at(unix_ms: i64) -> Self {
        let ms = u128::try_from(unix_ms.clamp(0, TIME_MAX_MS)).unwrap_or_default();
        Self(ms << RANDOM_BITS)
    }

    /// Time of assignment, in milliseconds since 1970.
    #[must_use]
    pub fn unix_ms(self) -> i64 {
        i64::try_from(self.0 >> RANDOM_BITS).unwrap_or(TIME_MAX_MS)
    }

    /// The smallest id of the moment `margin` before this id.
    pub(crate) fn rewound(self, margin: Duration) -> Self {
        let margin_ms = i64::try_from(margin.as_millis()).unwrap_or(i64::MAX);
        Self::earliest_at(self.unix_ms().saturating_sub(margin_ms))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; TEXT_CHARACTERS];
        let mut rest = self.0;
        for digit in text.iter_mut().rev() {
            *digit = DIGITS[(rest & 0x1f) as usize];
            rest >>= CHARACTER_BITS;
        }
        out.pad(std::str::from_utf8(&text).expect("the digits are ASCII"))
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl FromStr for EventId {
    type Err = EventIdError;

    /// Case is ignored.
    fn from_str(text: &str) -> Result<Self, EventIdError> {
        let digits = text.as_bytes();
        if digits.len() != TEXT_CHARACTERS || digits[0] > b'7' {
            return Err(EventIdError);
        }
        let value = |byte: &u8| DIGITS.iter().position(|digit| *digit == byte.to_ascii_uppercase());
        digits
            .iter()
            .try_fold(0_u128, |id, byte| Some((id << CHARACTER_BITS) | value(byte)? as u128))
            .map(Self)
            .ok_or(EventIdError)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of github.com/ulid/javascript: `ulid(1469918176385)`, `decodeTime(…)`.
    const EXAMPLE: &str = "01ARYZ6S41TSV4RRFFQ69G5FAV";
    const EXAMPLE_MS: i64 = 1_469_918_176_385;

    #[test]
    fn the_time_is_parsed_and_printed_as_the_specification_says() {
        let id: EventId = EXAMPLE.parse().unwrap();
        assert_eq!(id.unix_ms(), EXAMPLE_MS);
        assert_eq!(id.to_string(), EXAMPLE);
        assert_eq!(EXAMPLE.to_lowercase().parse(), Ok(id));
        assert_eq!(EventId::earliest_at(EXAMPLE_MS).to_string(), "01ARYZ6S410000000000000000");
        // The largest id of the specification.
        assert_eq!("7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<EventId>().unwrap().unix_ms(), TIME_MAX_MS);
    }

    #[test]
    fn texts_that_are_not_ulids_are_refused() {
        for text in [
            "",
            "01ARYZ6S41TSV4RRFFQ69G5FA",
            "01ARYZ6S41TSV4RRFFQ69G5FAVX",
            "81ARYZ6S41TSV4RRFFQ69G5FAV",
            "01ARYZ6S41TSV4RRFFQ69G5FAU",
            "01ARYZ6S41TSV4RRFFQ69G5FA ",
            "+1ARYZ6S41TSV4RRFFQ69G5FAV",
            "01ARYZ6S41TSV4RRFFQ69G5FÄ",
        ] {
            assert_eq!(text.parse::<EventId>(), Err(EventIdError), "{text}");
        }
    }

    #[test]
    fn rewinding_stops_at_the_beginning_of_time() {
        let id: EventId = EXAMPLE.parse().unwrap();
        assert_eq!(id.rewound(Duration::from_millis(385)).unix_ms(), 1_469_918_176_000);
        assert_eq!(id.rewound(Duration::MAX).to_string(), "00000000000000000000000000");
        assert_eq!(EventId::earliest_at(-1).unix_ms(), 0);
    }

    proptest! {
        #[test]
        fn ids_and_their_texts_sort_alike(first in any::<u128>(), second in any::<u128>()) {
            let (first, second) = (EventId(first), EventId(second));
            prop_assert_eq!(first.to_string().parse(), Ok(first));
            prop_assert_eq!(first.cmp(&second), first.to_string().cmp(&second.to_string()));
            prop_assert!(first.rewound(Duration::ZERO) <= first);
        }
    }
}
