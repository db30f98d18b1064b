//! The kinds of problem. Each is a heading of `docs/PROBLEMS.md`, which the service also serves at `/docs/problems`.

use http::StatusCode;

/// A kind of problem: its status, its code, its title and its type are fixed here and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request cannot be understood.
    BadRequest,
    /// The text in the path is not a ticker.
    InvalidSymbol,
    /// A delivery that is malformed, or not of this time.
    DeliveryRefused,
    /// No credential, or one that is not valid.
    Unauthorized,
    /// A delivery whose sender is not proved.
    SignatureRejected,
    /// A valid credential that does not allow this.
    Forbidden,
    /// No such path.
    NotFound,
    /// A well-formed ticker that the data source does not know.
    UnknownSymbol,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The request took longer than the service allows.
    Timeout,
    /// The body is larger than the route accepts.
    PayloadTooLarge,
    /// The path and query are too long.
    UriTooLong,
    /// The body's media type or encoding is not accepted.
    UnsupportedMediaType,
    /// The request is well formed, and one of its values is not acceptable.
    Unprocessable,
    /// A rate limit was reached.
    QuotaExceeded,
    /// Too many wrong credentials came from this address.
    TooManyFailures,
    /// The header fields are too large.
    HeaderFieldsTooLarge,
    /// A fault of the service itself.
    Internal,
    /// The data vendor's answer makes no sense.
    BadGateway,
    /// The data vendor does not answer and nothing fresh enough is stored.
    UpstreamUnavailable,
    /// The plan with the data vendor is used up for the moment.
    UpstreamQuota,
    /// More requests than the service takes on at once.
    Overloaded,
    /// The service is shutting down.
    Draining,
    /// Something that the service needs may be used no longer, or cannot be reached.
    NotReady,
    /// What is to be kept or read cannot be now.
    StoreUnavailable,
    /// A delivery cannot be proved now: its key is not at hand.
    KeyUnavailable,
}

impl Kind {
    /// Every kind, in the order of their status.
    pub const ALL: [Self; 26] = [
        Self::BadRequest,
        Self::InvalidSymbol,
        Self::DeliveryRefused,
        Self::Unauthorized,
        Self::SignatureRejected,
        Self::Forbidden,
        Self::NotFound,
        Self::UnknownSymbol,
        Self::MethodNotAllowed,
        Self::Timeout,
        Self::PayloadTooLarge,
        Self::UriTooLong,
        Self::UnsupportedMediaType,
        Self::Unprocessable,
        Self::QuotaExceeded,
        Self::TooManyFailures,
        Self::HeaderFieldsTooLarge,
        Self::Internal,
        Self::BadGateway,
        Self::UpstreamUnavailable,
        Self::UpstreamQuota,
        Self::Overloaded,
        Self::Draining,
        Self::NotReady,
        Self::StoreUnavailable,
        Self::KeyUnavailable,
    ];

    /// Its status code.
    #[must_use]
    pub fn status(self) -> StatusCode {
        self.facts().status
    }

    /// Its stable name for programs, and its heading in `docs/PROBLEMS.md`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.facts().code
    }

    /// Its summary for people; the same on every occurrence.
    #[must_use]
    pub fn title(self) -> &'static str {
        self.facts().title
    }

    /// Its URI reference. Two kinds are registered with IANA; the others are headings of the page that this service
    /// serves, where the part after `#` is the code.
    #[must_use]
    pub fn type_uri(self) -> &'static str {
        self.facts().type_uri
    }

    #[rustfmt::skip]
    fn facts(self) -> Facts {
        use StatusCode as S;
        match self {
            Self::BadRequest => fact(S::BAD_REQUEST, "bad_request", "Bad request", "/docs/problems#bad_request"),
            Self::InvalidSymbol => fact(S::BAD_REQUEST, "invalid_symbol", "Invalid symbol", "/docs/problems#invalid_symbol"),
            Self::DeliveryRefused => fact(S::BAD_REQUEST, "delivery_refused", "Delivery refused", "/docs/problems#delivery_refused"),
            Self::SignatureRejected => fact(S::UNAUTHORIZED, "signature_rejected", "Signature rejected", "/docs/problems#signature_rejected"),
            Self::Unauthorized => fact(S::UNAUTHORIZED, "unauthorized", "Unauthorized", "/docs/problems#unauthorized"),
            Self::Forbidden => fact(S::FORBIDDEN, "forbidden", "Forbidden", "/docs/problems#forbidden"),
            Self::NotFound => fact(S::NOT_FOUND, "not_found", "Not found", "/docs/problems#not_found"),
            Self::UnknownSymbol => fact(S::NOT_FOUND, "unknown_symbol", "Unknown symbol", "/docs/problems#unknown_symbol"),
            Self::MethodNotAllowed => fact(S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed", "/docs/problems#method_not_allowed"),
            Self::Timeout => fact(S::REQUEST_TIMEOUT, "timeout", "Request timeout", "/docs/problems#timeout"),
            Self::PayloadTooLarge => fact(S::PAYLOAD_TOO_LARGE, "payload_too_large", "Payload too large", "/docs/problems#payload_too_large"),
            Self::UriTooLong => fact(S::URI_TOO_LONG, "uri_too_long", "URI too long", "/docs/problems#uri_too_long"),
            Self::UnsupportedMediaType => fact(S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type", "/docs/problems#unsupported_media_type"),
            Self::Unprocessable => fact(S::UNPROCESSABLE_ENTITY, "unprocessable", "Unprocessable content", "/docs/problems#unprocessable"),
            Self::QuotaExceeded => fact(S::TOO_MANY_REQUESTS, "too_many_requests", "Quota exceeded", "https://iana.org/assignments/http-problem-types#quota-exceeded"),
            Self::TooManyFailures => fact(S::TOO_MANY_REQUESTS, "too_many_failures", "Too many failed authentications", "/docs/problems#too_many_failures"),
            Self::HeaderFieldsTooLarge => fact(S::REQUEST_HEADER_FIELDS_TOO_LARGE, "header_fields_too_large", "Request header fields too large", "/docs/problems#header_fields_too_large"),
            Self::Internal => fact(S::INTERNAL_SERVER_ERROR, "internal", "Internal error", "/docs/problems#internal"),
            Self::BadGateway => fact(S::BAD_GATEWAY, "bad_gateway", "Bad upstream answer", "/docs/problems#bad_gateway"),
            Self::UpstreamUnavailable => fact(S::SERVICE_UNAVAILABLE, "upstream_unavailable", "Upstream unavailable", "/docs/problems#upstream_unavailable"),
            Self::UpstreamQuota => fact(S::SERVICE_UNAVAILABLE, "upstream_quota", "Upstream quota used up", "/docs/problems#upstream_quota"),
            Self::Overloaded => fact(S::SERVICE_UNAVAILABLE, "overloaded", "Temporarily reduced capacity", "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"),
            Self::Draining => fact(S::SERVICE_UNAVAILABLE, "draining", "Shutting down", "/docs/problems#draining"),
            Self::NotReady => fact(S::SERVICE_UNAVAILABLE, "not_ready", "Not ready", "/docs/problems#not_ready"),
            Self::StoreUnavailable => fact(S::SERVICE_UNAVAILABLE, "store_unavailable", "Store unavailable", "/docs/problems#store_unavailable"),
            Self::KeyUnavailable => fact(S::SERVICE_UNAVAILABLE, "key_unavailable", "Key unavailable", "/docs/problems#key_unavailable"),
        }
    }

    /// The kind of an error answer that a framework made with nothing but a status; `None` when it is not an error.
    #[must_use]
    pub fn of_status(status: StatusCode) -> Option<Self> {
        match Self::ALL.into_iter().find(|kind| kind.status() == status) {
            Some(kind) => Some(kind),
            None if status.is_client_error() => Some(Self::BadRequest),
            None if status.is_server_error() => Some(Self::Internal),
            None => None,
        }
    }
}

/// What is fixed for a kind.
struct Facts {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    type_uri: &'static str,
}

const fn fact(status: StatusCode, code: &'static str, title: &'static str, type_uri: &'static str) -> Facts {
    Facts { status, code, title, type_uri }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_snake_case() {
        let codes: BTreeSet<&str> = Kind::ALL.into_iter().map(Kind::code).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        assert!(codes.iter().all(|code| {
            !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        }));
    }

    #[test]
    fn a_type_is_registered_with_iana_or_ends_in_the_code() {
        for kind in Kind::ALL {
            let (page, fragment) = kind.type_uri().split_once('#').unwrap();
            match page {
                "/docs/problems" => assert_eq!(fragment, kind.code()),
                page => assert_eq!(page, "https://iana.org/assignments/http-problem-types"),
            }
        }
    }

    #[test]
    fn a_bare_status_finds_its_general_kind() {
        for (status, expected) in [
            (400, Some(Kind::BadRequest)),
            (404, Some(Kind::NotFound)),
            (418, Some(Kind::BadRequest)),
            (429, Some(Kind::QuotaExceeded)),
            (503, Some(Kind::UpstreamUnavailable)),
            (507, Some(Kind::Internal)),
            (304, None),
        ] {
            assert_eq!(Kind::of_status(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
