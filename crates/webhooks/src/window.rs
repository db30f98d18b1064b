//! When a key may be used.

use jiff::Timestamp;

/// From when until when a key is valid: `not_before` is in it, `not_after` is not. Open where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first instant.
    pub not_before: Option<Timestamp>,
    /// The first instant no longer.
    pub not_after: Option<Timestamp>,
}

impl Window {
    /// Whether `now` is in it.
    #[must_use]
    pub fn contains(&self, now: Timestamp) -> bool {
        self.not_before.is_none_or(|begin| begin <= now) && self.not_after.is_none_or(|end| now < end)
    }

    /// Whether any instant is in it.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.not_before.zip(self.not_after).is_none_or(|(begin, end)| begin < end)
    }
}
