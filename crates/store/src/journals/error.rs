//! Why a journal is refused.

use audit::ProofError;
use domain::{Currency, ExternalId, LedgerAccount, Symbol};
use ledger::{JournalFault, LedgerError};
use rust_decimal::Decimal;

use super::JournalState;
use crate::error::Error;
use crate::ids::JournalId;

/// A journal, or a decision on one, is refused.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A line or a text is not valid.
    #[error(transparent)]
    Invalid(#[from] JournalFault),
    /// An amount is out of range.
    #[error("{0}")]
    Ledger(LedgerError),
    /// No provider has reported the account.
    #[error("account {0} is unknown: no provider has reported it")]
    UnknownHolder(ExternalId),
    /// The shares or their cost would not fit the position.
    #[error(
        "{symbol} in {account} would have {quantity} shares at a cost of {cost}: correct the quantity, the cost or the time"
    )]
    Shares {
        /// The account.
        account: ExternalId,
        /// The ticker.
        symbol: Symbol,
        /// Shares after the journal.
        quantity: String,
        /// Their cost after the journal.
        cost: String,
    },
    /// The holding is full: a fact of it would be stored and change nothing.
    #[error("{symbol} in {account} has too many reports, so that nothing more is posted to it")]
    TooManyFacts {
        /// The account.
        account: ExternalId,
        /// The ticker.
        symbol: Symbol,
    },
    /// It takes out more than is available.
    #[error(
        "{account} has {available} {currency} available, and the journal takes {asked}: post less, or set allow_overdraft, \
         which another person must approve"
    )]
    Overdraft {
        /// The account.
        account: LedgerAccount,
        /// The currency.
        currency: Currency,
        /// What is posted less what is on its way out, without the journal.
        available: Decimal,
        /// What the journal takes out.
        asked: Decimal,
    },
    /// The key was used with another request.
    #[error("this idempotency key was used with another request: use a new key for a new journal")]
    KeyReused,
    /// There is no such journal.
    #[error("no journal has this id")]
    NotFound,
    /// The state does not allow it.
    #[error("journal {id} is {state}")]
    State {
        /// The journal.
        id: JournalId,
        /// Its state.
        state: JournalState,
    },
    /// Its row is not what was written.
    #[error("journal {id} was changed in the database ({fault}): run `investiq ledger verify`")]
    Altered {
        /// The journal.
        id: JournalId,
        /// What is wrong with its proof.
        fault: ProofError,
    },
    /// Maker and checker are one.
    #[error(
        "{0} made this journal: another person must approve it, with an API key that neither replaces that one, nor created it, \
         nor was created with it"
    )]
    OwnApproval(String),
    /// It was reversed before.
    #[error("the journal is already reversed by journal {0}")]
    AlreadyReversed(JournalId),
    /// A reversal is not reversed.
    #[error("journal {0} is a reversal: post the journal again instead")]
    Reversal(JournalId),
    /// There is no such review.
    #[error("no review has this id")]
    NoReview,
    /// A person resolved it, or new facts did.
    #[error("the review is already resolved")]
    ReviewResolved,
    /// Another journal waits to resolve it.
    #[error("journal {0}, which resolves this review, is pending: approve or reject it first")]
    ReviewPending(JournalId),
    /// The database failed.
    #[error(transparent)]
    Store(Error),
}

impl From<Error> for JournalError {
    fn from(error: Error) -> Self {
        match error {
            Error::Ledger(fault) => Self::Ledger(fault),
            error => Self::Store(error),
        }
    }
}

impl From<LedgerError> for JournalError {
    fn from(fault: LedgerError) -> Self {
        Self::Ledger(fault)
    }
}
