//! Why a set of facts cannot be folded.

use domain::{Currency, MoneyError, NumberError};

/// The set holds something that no books can be kept of. It is not a contradiction between facts: those are resolved, and
/// told as a [`crate::Review`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A fact is not about the subject, or not of its kind.
    #[error("a fact does not belong to {subject}")]
    Misplaced {
        /// The subject that was folded.
        subject: String,
    },
    /// There is no fact to fold.
    #[error("no fact of {subject} is known")]
    Empty {
        /// The subject that was folded.
        subject: String,
    },
    /// A number that has to be above zero is not.
    #[error("{what} of {subject} has to be above zero")]
    NotPositive {
        /// Which number.
        what: &'static str,
        /// Of what.
        subject: String,
    },
    /// More facts than are kept of one subject.
    #[error("{subject} has more than {max} facts")]
    TooMany {
        /// The subject.
        subject: String,
        /// How many are kept.
        max: usize,
    },
    /// An amount outside what can be kept.
    #[error("an amount cannot be kept")]
    Money(#[from] MoneyError),
    /// A number of shares outside what can be kept.
    #[error("a number of shares cannot be kept")]
    Number(#[from] NumberError),
    /// The legs of a posting do not sum to zero: a mistake of ours.
    #[error("the legs of {effect} do not sum to zero in {currency}")]
    Unbalanced {
        /// Which posting.
        effect: String,
        /// In which currency.
        currency: Currency,
    },
}
