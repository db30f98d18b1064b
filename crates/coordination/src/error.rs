//! Why a command to Redis failed.

use redis::{ErrorKind, RedisError};

/// A command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("Redis does not answer")]
    Away,
    #[error("no connection to Redis is open")]
    NoConnection,
    #[error("Redis did not answer in time")]
    Timeout,
    #[error("a command to Redis failed")]
    Redis(#[from] RedisError),
}

impl Error {
    /// Whether another connection may work.
    pub(crate) fn is_of_connection(&self) -> bool {
        match self {
            Self::NoConnection => true,
            Self::Redis(error) => error.is_io_error() || error.is_unrecoverable_error(),
            Self::Away | Self::Timeout => false,
        }
    }

    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout)
    }

    pub(crate) fn outcome(&self) -> &'static str {
        if self.is_timeout() { "timed_out" } else { "failed" }
    }

    pub(crate) fn is_of_login(&self) -> bool {
        let Self::Redis(error) = self else { return false };
        let is_code = matches!(error.code(), Some("NOAUTH" | "WRONGPASS" | "NOPERM"));
        error.kind() == ErrorKind::AuthenticationFailed || is_code
    }
}
