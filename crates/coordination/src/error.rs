//! Why a command to Redis failed.

use redis::{ErrorKind, RedisError, ServerErrorKind};

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
            // A master that was demoted: its address may lead to the new one.
            Self::Redis(error) if error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly) => true,
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
        let is_code = matches!(error.code(), Some("NOAUTH" | "WRONGPASS"));
        // The client of a cluster puts the cause into the text of another error.
        let is_cause = ["WRONGPASS", "NOAUTH", "AuthenticationFailed"]
            .iter()
            .any(|cause| error.detail().is_some_and(|detail| detail.contains(cause)));
        error.kind() == ErrorKind::AuthenticationFailed || is_code || is_cause
    }

    /// Whether the user lacks the permission for a command, which says nothing of the connection.
    pub(crate) fn is_of_permission(&self) -> bool {
        let Self::Redis(error) = self else { return false };
        // For a command in a script, the code is that of any error.
        let is_in_script = ["The user executing the script can't", "ACL failure in script"]
            .iter()
            .any(|cause| error.detail().is_some_and(|detail| detail.starts_with(cause)));
        error.code() == Some("NOPERM") || is_in_script
    }

    /// What failed, by which the log distinguishes failures.
    pub(crate) fn cause(&self) -> &'static str {
        match self {
            Self::Away => "away",
            Self::NoConnection => "no connection",
            Self::Timeout => "timeout",
            Self::Redis(_) if self.is_of_login() => "login",
            Self::Redis(_) if self.is_of_permission() => "permission",
            Self::Redis(_) if self.is_of_connection() => "connection",
            Self::Redis(_) => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_redis_are_distinguished() {
        let io = |detail: &str| {
            RedisError::from((ErrorKind::Io, "Failed to create initial connections", detail.to_owned()))
        };
        let server =
            |code: &str, detail: &str| redis::make_extension_error(code.to_owned(), Some(detail.to_owned()));
        let read_only = RedisError::from((
            ErrorKind::Server(ServerErrorKind::ReadOnly),
            "An error was signalled by the server",
        ));
        for (error, cause) in [
            (io("Connection refused"), "connection"),
            (io("WRONGPASS invalid username-password pair"), "login"),
            (io("Password authentication failed- AuthenticationFailed"), "login"),
            (server("NOAUTH", "Authentication required."), "login"),
            (server("NOPERM", "this user has no permissions to run the 'del' command"), "permission"),
            (server("ERR", "The user executing the script can't run this command"), "permission"),
            (server("ERR", "ACL failure in script: no permissions"), "permission"),
            (server("ERR", "unknown command"), "other"),
            (read_only, "connection"),
        ] {
            let error = Error::Redis(error);
            assert_eq!(error.cause(), cause, "{error:?}");
            assert_eq!(error.is_of_login(), cause == "login", "{error:?}");
        }
    }
}
