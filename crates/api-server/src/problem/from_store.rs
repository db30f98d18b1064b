//! Problems from errors of the store. Clients never see the database's address or messages.

use store::{ApiKeyError, CustomerError, Error, JournalError, ReceiveError};

use super::{Kind, Problem};

/// `Retry-After` in seconds.
const RETRY_AFTER_S: u64 = 2;

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Busy => Self::new(
                Kind::StoreUnavailable,
                "too many deliveries are waiting to be stored; send the delivery again",
            )
            .retry_after_s(RETRY_AFTER_S)
            .caused_by(&error),
            ReceiveError::Unavailable => Self::new(
                Kind::StoreUnavailable,
                "it is unknown whether the delivery is stored; send it again",
            )
            .retry_after_s(RETRY_AFTER_S)
            .caused_by(&error),
            ReceiveError::Storage(ref fault) => {
                let detail = format!("{}; an operator must restore it", fault.summary());
                Self::new(Kind::StoreUnavailable, detail).retry_after_s(RETRY_AFTER_S).caused_by(&error)
            }
            ReceiveError::Refused => {
                Self::new(Kind::Internal, "the delivery cannot be stored").caused_by(&error)
            }
        }
    }
}

impl From<JournalError> for Problem {
    fn from(error: JournalError) -> Self {
        let kind = match error {
            JournalError::Store(error) => return error.into(),
            JournalError::Invalid(_)
            | JournalError::Ledger(_)
            | JournalError::UnknownHolder(_)
            | JournalError::Shares { .. }
            | JournalError::TooManyFacts { .. }
            | JournalError::Overdraft { .. }
            | JournalError::KeyReused
            | JournalError::Reversal(_) => Kind::Unprocessable,
            JournalError::NotFound | JournalError::NoReview => Kind::NotFound,
            JournalError::State { .. }
            | JournalError::Altered { .. }
            | JournalError::AlreadyReversed(_)
            | JournalError::ReviewResolved
            | JournalError::ReviewPending(_) => Kind::Conflict,
            JournalError::OwnApproval(_) => Kind::Forbidden,
        };
        let problem = Self::new(kind, error.to_string());
        match error {
            JournalError::Overdraft { account, currency, available, asked } => problem
                .with("account", account.to_string())
                .with("currency", currency.as_str())
                .with("available", available.to_string())
                .with("asked", asked.to_string()),
            _ => problem,
        }
    }
}

impl From<CustomerError> for Problem {
    fn from(error: CustomerError) -> Self {
        let kind = match error {
            CustomerError::Store(error) => return error.into(),
            CustomerError::UnknownAccount(_) => Kind::NotFound,
            CustomerError::TooManyAccounts(_) => Kind::Unprocessable,
            CustomerError::LinkedElsewhere { .. } => Kind::Conflict,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        let kind = match error {
            ApiKeyError::Store(error) => return error.into(),
            ApiKeyError::Setting(error) => {
                let detail = format!("{}: {}", error.field, error.rule);
                return Self::new(Kind::Unprocessable, detail).with("parameter", error.field);
            }
            ApiKeyError::NotFound => Kind::NotFound,
            ApiKeyError::TooMany
            | ApiKeyError::TooManyRows
            | ApiKeyError::HasAdmin
            | ApiKeyError::Ended(_)
            | ApiKeyError::HasSuccessor(_) => Kind::Conflict,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if let Error::Storage(fault) = &error {
            let detail = format!("{}; an operator must restore it", fault.summary());
            return Self::new(Kind::StoreUnavailable, detail).caused_by(&error);
        }
        if error.is_outage() {
            return Self::new(Kind::StoreUnavailable, "the database is unavailable")
                .retry_after_s(RETRY_AFTER_S)
                .caused_by(&error);
        }
        Self::new(Kind::Internal, "database query failed").caused_by(&error)
    }
}
