//! The errors of a delivery, and of building an intake.

use webhooks::Rejection;
use webhooks::circle::sns::{TopicError, TrustError};

use crate::fetcher::FetchError;
use crate::secret_keys::NoKey;

/// Why a delivery is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The signature is invalid.
    #[error("delivery rejected")]
    Rejected(#[from] Rejection),
    /// No key of the provider is configured.
    #[error(transparent)]
    NoKey(#[from] NoKey),
    /// The key or certificate that verifies the delivery cannot be fetched.
    #[error("fetching the key of a delivery failed")]
    Fetch(#[source] FetchError),
    /// The delivery cannot be stored.
    #[error("storing a delivery failed")]
    NotStored(#[from] store::ReceiveError),
}

/// Why an intake cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A secret is not declared.
    #[error("reading a webhook secret failed")]
    Secret(#[from] secrets::Error),
    /// The base URL of a provider is invalid.
    #[error("{0} is invalid")]
    BaseUrl(&'static str, #[source] outbound::BaseUrlError),
    /// The base URL of a provider without a default is not set.
    #[error("{0} is not set")]
    NoBaseUrl(&'static str),
    /// The TLS stack cannot be set up.
    #[error("setting up the client that fetches webhook keys failed")]
    Fetcher(#[from] reqwest::Error),
    /// The trusted roots of this build are invalid.
    #[error("parsing the compiled-in certificates of Amazon failed")]
    Trust(#[from] TrustError),
    /// The list of topics is invalid.
    #[error("CIRCLE_SNS_TOPICS is invalid")]
    Topics(#[from] TopicError),
}

impl IntakeError {
    /// The metric label of a rejected delivery; `None` if the sender is not at fault.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Rejected(rejection) => Some(rejection.reason()),
            Self::NoKey(_) => Some("no_key"),
            Self::Fetch(_) | Self::NotStored(_) => None,
        }
    }
}

impl From<FetchError> for IntakeError {
    fn from(error: FetchError) -> Self {
        match error {
            // The provider has no such key, so it is not the signer.
            FetchError::NotFound => Self::Rejected(Rejection::UnknownKey),
            FetchError::Denied | FetchError::Unavailable | FetchError::Limited { .. } => Self::Fetch(error),
        }
    }
}
