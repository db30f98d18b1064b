//! What the refusal of a delivery means to whoever sent it. What its signature should have been is never said.

use webhooks::{Rejection, Step};

use super::{Kind, Problem};
use crate::deliveries::{FetchError, Refusal};

/// What a sender is told to wait when something of ours is missing.
const RETRY_AFTER_S: u64 = 5;

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Rejected(rejection) => rejection.into(),
            Refusal::NoKey(_) => Self::new(
                Kind::KeyUnavailable,
                "no key of this source is configured here; nothing can be proved without one",
            )
            .with("reason", "no_key")
            .retry_after_s(RETRY_AFTER_S),
            Refusal::Fetch(error) => {
                let wait_s = match error {
                    FetchError::Capped { retry_after_s } => retry_after_s,
                    FetchError::NotThere | FetchError::Denied | FetchError::Away => RETRY_AFTER_S,
                };
                Self::new(Kind::KeyUnavailable, "what proves the delivery cannot be fetched at the moment")
                    .with("reason", "fetch")
                    // Its cause is in the log now and then: a line for each would be a stranger's to write.
                    .retry_after_s(wait_s)
            }
            Refusal::NotKept(error) => error.into(),
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
    fn what_cannot_be_proved_is_401_and_what_is_late_is_400() {
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
    fn what_is_missing_here_asks_the_sender_to_come_again() {
        let capped = Refusal::Fetch(FetchError::Capped { retry_after_s: 7 });
        let response = Problem::from(capped).into_response();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["retry-after"]),
            (503, &"7".parse().unwrap())
        );
    }
}
