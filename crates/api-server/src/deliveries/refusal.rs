//! Why a delivery is not taken.

use webhooks::Rejection;

use super::circle_keys::CircleKeyError;
use super::fetch::FetchError;
use super::secret_keys::NoKey;

/// Why a delivery is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Its sender is not proved.
    #[error("the delivery is refused")]
    Rejected(#[from] Rejection),
    /// No key of its source is at hand.
    #[error(transparent)]
    NoKey(#[from] NoKey),
    /// What proves it cannot be fetched now.
    #[error("what proves the delivery cannot be fetched now: {0}")]
    Fetch(FetchError),
    /// It cannot be kept now.
    #[error("the delivery cannot be kept now")]
    NotKept(#[from] store::ReceiveError),
}

impl Refusal {
    /// The word under which it is counted; `None` for one that is no fault of the sender's.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Rejected(rejection) => Some(rejection.reason()),
            Self::NoKey(_) => Some("no_key"),
            Self::Fetch(_) | Self::NotKept(_) => None,
        }
    }
}

impl From<CircleKeyError> for Refusal {
    fn from(error: CircleKeyError) -> Self {
        match error {
            CircleKeyError::NoApiKey => Self::NoKey(NoKey),
            // Circle says that it has no such key: whoever signed with it is not Circle.
            CircleKeyError::Fetch(FetchError::NotThere) => Self::Rejected(Rejection::UnknownKey),
            CircleKeyError::Fetch(error) => Self::Fetch(error),
        }
    }
}
