//! Which entries and facts count: by when they happened, and by when they were recorded.

use jiff::Timestamp;

use crate::database::Statement;

/// A state of the books: what had happened by one time, as it was known at another. By default what is known now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// What happened by this time, on the clocks of the providers.
    pub as_of: Option<Timestamp>,
    /// What was recorded by this time.
    pub known_at: Option<Timestamp>,
}

impl Moment {
    /// Whether everything counts.
    #[must_use]
    pub fn is_latest(self) -> bool {
        self == Self::default()
    }

    /// Adds the conditions on transactions `t`.
    pub(crate) fn push_transactions(self, statement: Statement) -> Statement {
        statement
            .push_optional(" AND t.at <= ", self.as_of)
            .push_optional(" AND t.posted_at <= ", self.known_at)
    }

    /// Adds the conditions on facts.
    pub(crate) fn push_facts(self, statement: Statement) -> Statement {
        statement
            .push_optional(" AND at <= ", self.as_of)
            .push_optional(" AND recorded_at <= ", self.known_at)
    }
}
