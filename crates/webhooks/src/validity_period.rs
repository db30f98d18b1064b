//! When a key may be used.

use jiff::Timestamp;

/// From `not_before`, inclusive, until `not_after`, exclusive. Open where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ValidityPeriod {
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) not_after: Option<Timestamp>,
}

impl ValidityPeriod {
    pub(crate) fn contains(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|begin| begin <= now) && self.not_after.is_none_or(|end| now < end)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.not_before.zip(self.not_after).is_some_and(|(begin, end)| begin >= end)
    }
}
