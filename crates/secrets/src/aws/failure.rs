//! What the service or the way to it answered instead of a secret: reduced to a code and a request id, and judged by the
//! code alone. The status tells nothing: throttling arrives as 400.

use std::time::Duration;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::RequestId;

use crate::error::{Asker, Error, Outage};
use crate::name::SecretName;
use crate::origin::Origin;

/// What is asked again later is asked after at least this.
const RETRY_IN: Duration = Duration::from_secs(1);
/// Longest code or request id that is kept.
const WORD_BYTES_MAX: usize = 64;

const ACCESS_DENIED: &str = "AccessDeniedException";
/// Codes that ask for fewer calls.
const THROTTLING: [&str; 11] = [
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestThrottledException",
    "RequestThrottled",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "ProvisionedThroughputExceededException",
    "PriorRequestNotComplete",
    "SlowDown",
];
/// Codes of a service that failed.
const SERVICE: [&str; 7] = [
    "InternalServiceError",
    "InternalServiceErrorException",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
];
/// Codes of credentials that were good once.
const EXPIRED: [&str; 4] =
    ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];

/// An answer that is no secret.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    code: String,
    request_id: String,
    /// It is about one secret of a batch that was answered as a whole.
    is_of_one: bool,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    NotFound,
    /// It is there, and will be deleted.
    Deleted,
    /// It is there already.
    Exists,
    /// The labels are not where the caller thought, or the request is wrong.
    Invalid,
    Refused,
    CredentialsExpired,
    Out(Outage),
}

impl Failure {
    /// Reduces what the SDK says.
    pub(super) fn of<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Self
    where
        SdkError<E>: RequestId,
    {
        let cause = match error {
            SdkError::TimeoutError(_) => Cause::Out(Outage::Timeout),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Cause::Out(Outage::Timeout),
            SdkError::DispatchFailure(failure) if failure.is_io() => Cause::Out(Outage::Connection),
            // What is left of a request that never left is that nobody would sign it.
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
                Cause::Out(Outage::Credentials)
            }
            SdkError::ServiceError(answer) => {
                let answer = answer.err();
                cause(answer.code().unwrap_or_default(), answer.message().unwrap_or_default())
            }
            _ => Cause::Out(Outage::Service),
        };
        let code = error.as_service_error().and_then(|error| error.code()).unwrap_or("no code");
        let request_id = RequestId::request_id(error).unwrap_or("without id");
        Self { cause, code: word(code), request_id: word(request_id), is_of_one: false }
    }

    /// One entry of a batch's list of errors, which knows no request of its own.
    pub(super) fn of_batch(code: &str, message: &str) -> Self {
        Self {
            cause: cause(code, message),
            code: word(code),
            request_id: "of a batch".to_owned(),
            is_of_one: true,
        }
    }

    /// What a place answered that cannot be understood.
    pub(super) fn unintelligible() -> Self {
        let cause = Cause::Out(Outage::Service);
        Self { cause, code: "no code".to_owned(), request_id: "without id".to_owned(), is_of_one: false }
    }

    pub(super) fn is_of_one(&self) -> bool {
        self.is_of_one
    }

    /// The policy does not grant this operation. Other refusals are about what was asked for.
    pub(super) fn is_denied(&self) -> bool {
        self.code == ACCESS_DENIED
    }

    pub(super) fn is_transient(&self) -> bool {
        matches!(self.cause, Cause::Out(_) | Cause::CredentialsExpired)
    }

    /// As [`about`](Self::about), of a change: without an answer nobody knows whether it was made.
    pub(super) fn about_change(self, name: &SecretName, origin: Origin) -> Error {
        match self.about(name, origin) {
            Error::Unavailable { name, origin, outage, .. } => Error::Unconfirmed { name, origin, outage },
            error => error,
        }
    }

    /// The failure as the crate's error about one secret.
    pub(super) fn about(self, name: &SecretName, origin: Origin) -> Error {
        let name = name.clone();
        let unavailable =
            |name, origin, outage| Error::Unavailable { name, origin, outage, retry_in: RETRY_IN };
        match self.cause {
            Cause::NotFound => Error::NotFound { name, tried: vec![origin] },
            Cause::Deleted => Error::Deleted { name, origin },
            Cause::Exists => Error::Exists { name, origin },
            Cause::CredentialsExpired => unavailable(name, origin, Outage::Credentials),
            Cause::Out(outage) => unavailable(name, origin, outage),
            Cause::Invalid | Cause::Refused => {
                let to = Asker::Request { code: self.code, request_id: self.request_id };
                Error::AccessDenied { name, origin, to }
            }
        }
    }

    /// The word used as a metric label.
    pub(super) fn label(&self) -> &'static str {
        match self.cause {
            Cause::NotFound => "not_found",
            Cause::Deleted => "deleted",
            Cause::Exists => "exists",
            Cause::Invalid => "invalid",
            Cause::Refused => "refused",
            Cause::CredentialsExpired => "credentials_expired",
            Cause::Out(Outage::Throttled) => "throttled",
            Cause::Out(Outage::Timeout) => "timeout",
            Cause::Out(Outage::Connection | Outage::Io(_)) => "connection",
            Cause::Out(Outage::Credentials) => "no_credentials",
            Cause::Out(Outage::Service | Outage::Lagging) => "service",
        }
    }
}

/// The meaning of a code. Only `InvalidRequestException` says several things, and its message which.
fn cause(code: &str, message: &str) -> Cause {
    match code {
        "ResourceNotFoundException" => Cause::NotFound,
        "ResourceExistsException" => Cause::Exists,
        "InvalidRequestException" if message.contains("delet") => Cause::Deleted,
        "InvalidRequestException" | "InvalidParameterException" | "ValidationException" => Cause::Invalid,
        "RequestTimeout" | "RequestTimeoutException" => Cause::Out(Outage::Timeout),
        code if THROTTLING.contains(&code) => Cause::Out(Outage::Throttled),
        // An answer without a code came from something between us and the service.
        "" => Cause::Out(Outage::Service),
        code if SERVICE.contains(&code) => Cause::Out(Outage::Service),
        code if EXPIRED.contains(&code) => Cause::CredentialsExpired,
        _ => Cause::Refused,
    }
}

/// A short word of plain characters: what comes from outside is shown to operators.
fn word(text: &str) -> String {
    text.chars()
        .filter(|char| char.is_ascii_alphanumeric() || "-_.: ".contains(*char))
        .take(WORD_BYTES_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_and_nothing_else() {
        let cases = [
            ("ThrottlingException", Cause::Out(Outage::Throttled)),
            ("InternalServiceError", Cause::Out(Outage::Service)),
            ("", Cause::Out(Outage::Service)),
            ("RequestTimeoutException", Cause::Out(Outage::Timeout)),
            ("ExpiredTokenException", Cause::CredentialsExpired),
            ("ResourceNotFoundException", Cause::NotFound),
            ("AccessDeniedException", Cause::Refused),
            ("UnrecognizedClientException", Cause::Refused),
            ("DecryptionFailure", Cause::Refused),
            ("SomethingNewException", Cause::Refused),
            ("InvalidParameterException", Cause::Invalid),
        ];
        for (code, expected) in cases {
            assert_eq!(cause(code, ""), expected, "{code}");
        }
    }

    #[test]
    fn a_deletion_is_told_by_the_message() {
        let code = "InvalidRequestException";
        let message = "You can't perform this operation on the secret because it was marked for deletion.";
        assert_eq!(cause(code, message), Cause::Deleted);
        assert_eq!(cause(code, "A previous rotation isn't complete."), Cause::Invalid);
    }

    #[test]
    fn what_comes_from_outside_is_kept_short_and_plain() {
        assert_eq!(word("a\u{1b}[31m\nb"), "a31mb");
        assert_eq!(word(&"x".repeat(1_000)).len(), WORD_BYTES_MAX);
    }
}
