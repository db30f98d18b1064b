//! Why a set of facts cannot be folded.

use domain::{Currency, MoneyError, NumberError};

/// The facts are invalid or a result is out of range. Contradictions between facts are not errors: they are resolved and
/// reported as a [`crate::Review`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// A fact is about another subject, or its kind does not apply to this subject.
    #[error("fact does not belong to {subject}")]
    WrongSubject {
        /// The subject that was folded.
        subject: String,
    },
    /// There is no fact to fold.
    #[error("{subject} has no facts")]
    NoFacts {
        /// The subject that was folded.
        subject: String,
    },
    /// A number that must be positive is not.
    #[error("{what} of {subject} must be greater than zero")]
    NotPositive {
        /// Name of the number.
        what: &'static str,
        /// The subject that was folded.
        subject: String,
    },
    /// More facts than one subject may have.
    #[error("{subject} has more than {max} facts")]
    TooManyFacts {
        /// The subject that was folded.
        subject: String,
        /// Most facts a subject of its kind may have.
        max: usize,
    },
    /// An amount is out of range, or two currencies were added.
    #[error("invalid amount")]
    Money(#[from] MoneyError),
    /// A number of shares is out of range.
    #[error("invalid number of shares")]
    Number(#[from] NumberError),
    /// The legs of a posting do not sum to zero: a bug in this crate.
    #[error("legs of posting {effect} do not sum to zero in {currency}")]
    Unbalanced {
        /// Effect of the posting.
        effect: String,
        /// The currency that does not balance.
        currency: Currency,
    },
}
