//! What a failure of the store means to a client. Where the database is, and what it said, stays with us.

use store::{Error, ReceiveError};

use super::{Kind, Problem};

/// What a client is told to wait.
const RETRY_AFTER_S: u64 = 2;

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::Busy => {
                Self::new(Kind::StoreUnavailable, "more deliveries wait to be kept than may; send it again")
                    .retry_after_s(RETRY_AFTER_S)
                    .caused_by(&error)
            }
            ReceiveError::Unavailable => {
                Self::new(Kind::StoreUnavailable, "the delivery cannot be kept now; send it again")
                    .retry_after_s(RETRY_AFTER_S)
                    .caused_by(&error)
            }
            ReceiveError::Refused => {
                Self::new(Kind::Internal, "the delivery cannot be kept").caused_by(&error)
            }
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        if error.is_outage() {
            return Self::new(Kind::StoreUnavailable, "the database does not answer")
                .retry_after_s(RETRY_AFTER_S)
                .caused_by(&error);
        }
        Self::new(Kind::Internal, "the database did not do what it was asked").caused_by(&error)
    }
}
