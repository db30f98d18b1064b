//! A failed call, reduced to an error code and a request id. Failures are classified by code, because the status is
//! ambiguous: throttling has status 400.

use std::time::Duration;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::RequestId;

use crate::error::{Error, Outage, Requester};
use crate::name::SecretName;
use crate::origin::Origin;

const RETRY_IN: Duration = Duration::from_secs(1);
/// Limit of a code or a request id, which come from outside and are printed for operators.
const LABEL_CHARS_MAX: usize = 64;

const ACCESS_DENIED: &str = "AccessDeniedException";
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
const SERVICE: [&str; 7] = [
    "InternalServiceError",
    "InternalServiceErrorException",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
];
/// Codes of credentials that were valid before.
const EXPIRED: [&str; 4] =
    ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];

#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) cause: Cause,
    code: String,
    request_id: String,
    /// The failure of one entry of a successful batch.
    is_of_entry: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    NotFound,
    /// Scheduled for deletion.
    Deleted,
    Exists,
    /// The labels are not where the caller expected, or the request is malformed.
    Invalid,
    Refused,
    CredentialsExpired,
    Outage(Outage),
}

impl Failure {
    pub(super) fn from_sdk<E: ProvideErrorMetadata>(error: &SdkError<E>) -> Self
    where
        SdkError<E>: RequestId,
    {
        let cause = match error {
            SdkError::TimeoutError(_) => Cause::Outage(Outage::Timeout),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => Cause::Outage(Outage::Timeout),
            SdkError::DispatchFailure(failure) if failure.is_io() => Cause::Outage(Outage::Connection),
            // A request that was never sent for another reason could not be signed.
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
                Cause::Outage(Outage::Credentials)
            }
            SdkError::ServiceError(error) => {
                let error = error.err();
                cause(error.code().unwrap_or_default(), error.message().unwrap_or_default())
            }
            _ => Cause::Outage(Outage::Service),
        };
        let code = error.as_service_error().and_then(|error| error.code()).unwrap_or("no code");
        let request_id = RequestId::request_id(error).unwrap_or("without id");
        Self { cause, code: label(code), request_id: label(request_id), is_of_entry: false }
    }

    /// An entry of a batch has no request id of its own.
    pub(super) fn from_batch_entry(code: &str, message: &str) -> Self {
        Self {
            cause: cause(code, message),
            code: label(code),
            request_id: "of a batch".to_owned(),
            is_of_entry: true,
        }
    }

    /// The response was incomplete.
    pub(super) fn malformed() -> Self {
        let cause = Cause::Outage(Outage::Service);
        Self { cause, code: "no code".to_owned(), request_id: "without id".to_owned(), is_of_entry: false }
    }

    pub(super) fn is_of_entry(&self) -> bool {
        self.is_of_entry
    }

    /// Whether the policy does not grant the operation. Other refusals concern the requested secret.
    pub(super) fn is_denied(&self) -> bool {
        self.code == ACCESS_DENIED
    }

    pub(super) fn is_transient(&self) -> bool {
        matches!(self.cause, Cause::Outage(_) | Cause::CredentialsExpired)
    }

    /// As [`into_error`](Self::into_error), for a change: without a response it is unknown whether the change was made.
    pub(super) fn into_change_error(self, name: &SecretName, origin: Origin) -> Error {
        match self.into_error(name, origin) {
            Error::Unavailable { name, origin, outage, .. } => Error::Unconfirmed { name, origin, outage },
            error => error,
        }
    }

    pub(super) fn into_error(self, name: &SecretName, origin: Origin) -> Error {
        let name = name.clone();
        let unavailable =
            |name, origin, outage| Error::Unavailable { name, origin, outage, retry_in: RETRY_IN };
        match self.cause {
            Cause::NotFound => Error::NotFound { name, tried: vec![origin] },
            Cause::Deleted => Error::Deleted { name, origin },
            Cause::Exists => Error::Exists { name, origin },
            Cause::CredentialsExpired => unavailable(name, origin, Outage::Credentials),
            Cause::Outage(outage) => unavailable(name, origin, outage),
            Cause::Invalid | Cause::Refused => {
                let requester = Requester::Request { code: self.code, request_id: self.request_id };
                Error::AccessDenied { name, origin, requester }
            }
        }
    }

    /// The value of the metric label.
    pub(super) fn label(&self) -> &'static str {
        match self.cause {
            Cause::NotFound => "not_found",
            Cause::Deleted => "deleted",
            Cause::Exists => "exists",
            Cause::Invalid => "invalid",
            Cause::Refused => "refused",
            Cause::CredentialsExpired => "credentials_expired",
            Cause::Outage(Outage::Throttled) => "throttled",
            Cause::Outage(Outage::Timeout) => "timeout",
            Cause::Outage(Outage::Connection | Outage::Io(_)) => "connection",
            Cause::Outage(Outage::Credentials) => "no_credentials",
            Cause::Outage(Outage::Service | Outage::StaleRead) => "service",
        }
    }
}

/// Only `InvalidRequestException` is ambiguous and needs its message.
fn cause(code: &str, message: &str) -> Cause {
    match code {
        "ResourceNotFoundException" => Cause::NotFound,
        "ResourceExistsException" => Cause::Exists,
        "InvalidRequestException" if message.contains("delet") => Cause::Deleted,
        "InvalidRequestException" | "InvalidParameterException" | "ValidationException" => Cause::Invalid,
        "RequestTimeout" | "RequestTimeoutException" => Cause::Outage(Outage::Timeout),
        code if THROTTLING.contains(&code) => Cause::Outage(Outage::Throttled),
        // A response without a code comes from a proxy.
        "" => Cause::Outage(Outage::Service),
        code if SERVICE.contains(&code) => Cause::Outage(Outage::Service),
        code if EXPIRED.contains(&code) => Cause::CredentialsExpired,
        _ => Cause::Refused,
    }
}

fn label(text: &str) -> String {
    text.chars()
        .filter(|char| char.is_ascii_alphanumeric() || "-_.: ".contains(*char))
        .take(LABEL_CHARS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_classified_by_code() {
        let cases = [
            ("ThrottlingException", Cause::Outage(Outage::Throttled)),
            ("InternalServiceError", Cause::Outage(Outage::Service)),
            ("", Cause::Outage(Outage::Service)),
            ("RequestTimeoutException", Cause::Outage(Outage::Timeout)),
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
    fn deletions_are_recognised_by_message() {
        let code = "InvalidRequestException";
        let message = "You can't perform this operation on the secret because it was marked for deletion.";
        assert_eq!(cause(code, message), Cause::Deleted);
        assert_eq!(cause(code, "A previous rotation isn't complete."), Cause::Invalid);
    }

    #[test]
    fn text_from_outside_is_short_and_plain() {
        assert_eq!(label("a\u{1b}[31m\nb"), "a31mb");
        assert_eq!(label(&"x".repeat(1_000)).len(), LABEL_CHARS_MAX);
    }
}
