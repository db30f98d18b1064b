//! Why a provider was not reconciled. Nothing is reported as equal then.

use std::time::Duration;

use domain::Provider;

/// Why a provider was not reconciled.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Statements of the provider cannot be read from its API.
    #[error("statements of {0} cannot be read from its API")]
    NoStatements(Provider),
    /// The base URL is missing or invalid.
    #[error("invalid base URL of {0}")]
    BaseUrl(Provider),
    /// The HTTPS client cannot be built.
    #[error("building the HTTPS client failed")]
    Client(#[source] reqwest::Error),
    /// The provider refused the API key.
    #[error("{path}: API key refused (HTTP {status})")]
    Refused {
        /// The path of the list.
        path: String,
        /// The status of the response.
        status: u16,
    },
    /// This API key has no such list, or the list does not exist now.
    #[error("{path}: not available to this API key (HTTP {status})")]
    NotAvailable {
        /// The path of the list.
        path: String,
        /// The status of the response.
        status: u16,
    },
    /// The provider cannot be reached or fails, also after retries.
    #[error("{path}: {why}")]
    Unavailable {
        /// The path of the list.
        path: String,
        /// What failed last.
        why: String,
        /// How long the provider asked to wait.
        wait: Option<Duration>,
    },
    /// The response is not as documented.
    #[error("{path}: the response is not as documented: {why}")]
    NotAsDocumented {
        /// The path of the list.
        path: String,
        /// What is expected of it.
        why: &'static str,
    },
    /// A page has nothing new, so that the end of the list is never reached.
    #[error("{path}: the provider repeats a page, and the rest of the list is unknown")]
    Repeated {
        /// The path of the list.
        path: String,
    },
    /// More lines than are compared at once.
    #[error("more than {lines_max} lines: reconcile a shorter period")]
    TooLong {
        /// The limit.
        lines_max: usize,
    },
    /// The file is not a statement.
    #[error("line {line} of the file: {why}")]
    File {
        /// The number of the line, from 1.
        line: u64,
        /// What is wrong.
        why: String,
    },
    /// The books cannot be read.
    #[error("reading the books failed")]
    Store(#[from] store::Error),
}

impl Error {
    /// The same for a page that is not the first: what has a first page is available.
    pub(crate) fn after_first_page(self) -> Self {
        match self {
            Self::NotAvailable { path, .. } => {
                Self::NotAsDocumented { path, why: "a list with a first page has the next one" }
            }
            other => other,
        }
    }
}
