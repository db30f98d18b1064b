//! Problems from rejected deliveries. The expected signature is never revealed.

use intake::{FetchError, IntakeError};
use webhooks::{Rejection, Step};

use super::{Kind, Problem};

/// `Retry-After` if the sender is not at fault, in seconds.
const RETRY_AFTER_S: u64 = 5;

impl From<IntakeError> for Problem {
    fn from(error: IntakeError) -> Self {
        match error {
            IntakeError::Rejected(rejection) => rejection.into(),
            IntakeError::NoKey(_) => Self::new(
                Kind::KeyUnavailable,
                "no key of this provider is configured, so its deliveries cannot be verified",
            )
            .with("reason", "no_key")
            .retry_after_s(RETRY_AFTER_S),
            IntakeError::Fetch(error) => {
                let wait_s = match error {
                    FetchError::Limited { retry_after_s } => retry_after_s,
                    FetchError::NotFound | FetchError::Denied | FetchError::Unavailable => RETRY_AFTER_S,
                };
                // Without a cause, because `intake` samples it for the log: unknown senders must not fill the log.
                Self::new(Kind::KeyUnavailable, "the key that verifies this delivery cannot be fetched now")
                    .with("reason", "fetch")
                    .retry_after_s(wait_s)
            }
            IntakeError::NotStored(error) => error.into(),
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let kind = match rejection {
            Rejection::Malformed { .. } | Rejection::Stale { .. } | Rejection::Future { .. } => {
                Kind::DeliveryRefused
            }
            Rejection::Missing(_)
            | Rejection::Untimed
            | Rejection::Signature
            | Rejection::UnknownKey
            | Rejection::ExpiredKey { .. }
            | Rejection::Topic
            | Rejection::Host(_)
            | Rejection::Certificate(_) => Kind::SignatureRejected,
        };
        let (reason, step) = (rejection.reason(), Step::as_str(rejection.step()));
        Self::new(kind, rejection.to_string()).with("reason", reason).with("step", step)
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn an_invalid_signature_is_401_and_a_late_delivery_is_400() {
        for (rejection, status) in [
            (Rejection::Missing("header"), 401),
            (Rejection::Signature, 401),
            (Rejection::Stale { age_s: 700, limit_s: 600 }, 400),
            (Rejection::Future { ahead_s: 61, limit_s: 60 }, 400),
            (Rejection::UnknownKey, 401),
            (Rejection::Topic, 401),
        ] {
            let reason = rejection.reason();
            let problem = Problem::from(rejection);
            let document = serde_json::to_value(problem.document("/", "r")).unwrap();
            assert_eq!(document["reason"], reason);
            assert_eq!(problem.into_response().status(), status, "{reason}");
        }
    }

    #[test]
    fn a_missing_key_asks_the_sender_to_retry() {
        let limited = IntakeError::Fetch(FetchError::Limited { retry_after_s: 7 });
        let response = Problem::from(limited).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (503, &"7".parse().unwrap())
        );
    }
}
