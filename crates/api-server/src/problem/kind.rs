//! The kinds of problems. Each is a heading of `docs/PROBLEMS.md`, which the service also serves at `/docs/problems`.

use http::StatusCode;

/// A kind of problem. Its status, code, title and type are defined here and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// The request cannot be parsed.
    BadRequest,
    /// The text in the path is not a ticker.
    InvalidSymbol,
    /// A malformed delivery, or one whose timestamp is too old or in the future.
    DeliveryRefused,
    /// No credential, or an invalid one.
    Unauthorized,
    /// A delivery whose signature is missing or invalid.
    SignatureRejected,
    /// A valid credential whose role does not allow the request.
    Forbidden,
    /// No such path.
    NotFound,
    /// The data source does not have this well-formed ticker.
    UnknownSymbol,
    /// The path exists, but not with this method.
    MethodNotAllowed,
    /// The request took longer than the service allows.
    Timeout,
    /// The body is larger than the route accepts.
    PayloadTooLarge,
    /// The path and query are too long.
    UriTooLong,
    /// The body's media type or encoding is not accepted.
    UnsupportedMediaType,
    /// The request is well formed, but a value in it is not allowed.
    Unprocessable,
    /// A rate limit was reached.
    QuotaExceeded,
    /// Too many invalid credentials came from this address.
    TooManyFailures,
    /// The header fields are too large.
    HeaderFieldsTooLarge,
    /// A fault of the service itself.
    Internal,
    /// The data vendor's response is invalid.
    BadGateway,
    /// The data vendor is unreachable, and nothing fresh enough is cached.
    UpstreamUnavailable,
    /// The quota of the plan with the data vendor is exhausted.
    UpstreamQuota,
    /// More requests are in flight than the service handles at once.
    Overloaded,
    /// The service is shutting down.
    Draining,
    /// A dependency of the service is unavailable or no longer valid.
    NotReady,
    /// The database is unavailable.
    StoreUnavailable,
    /// The key that verifies a delivery is unavailable.
    KeyUnavailable,
}

impl Kind {
    /// Every kind, in the order of their status.
    pub(crate) const ALL: [Self; 26] = [
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

    pub(crate) fn status(self) -> StatusCode {
        self.definition().status
    }

    /// The stable name for programs, and the heading in `docs/PROBLEMS.md`.
    pub(crate) fn code(self) -> &'static str {
        self.definition().code
    }

    /// The summary for people; the same on every occurrence.
    pub(crate) fn title(self) -> &'static str {
        self.definition().title
    }

    /// Two types are registered with IANA; the others point to headings of the page that this service serves, where the
    /// part after `#` is the code.
    pub(crate) fn type_uri(self) -> &'static str {
        self.definition().type_uri
    }

    #[rustfmt::skip]
    fn definition(self) -> Definition {
        use StatusCode as S;
        match self {
            Self::BadRequest => define(S::BAD_REQUEST, "bad_request", "Bad request", "/docs/problems#bad_request"),
            Self::InvalidSymbol => define(S::BAD_REQUEST, "invalid_symbol", "Invalid symbol", "/docs/problems#invalid_symbol"),
            Self::DeliveryRefused => define(S::BAD_REQUEST, "delivery_refused", "Delivery refused", "/docs/problems#delivery_refused"),
            Self::SignatureRejected => define(S::UNAUTHORIZED, "signature_rejected", "Signature rejected", "/docs/problems#signature_rejected"),
            Self::Unauthorized => define(S::UNAUTHORIZED, "unauthorized", "Unauthorized", "/docs/problems#unauthorized"),
            Self::Forbidden => define(S::FORBIDDEN, "forbidden", "Forbidden", "/docs/problems#forbidden"),
            Self::NotFound => define(S::NOT_FOUND, "not_found", "Not found", "/docs/problems#not_found"),
            Self::UnknownSymbol => define(S::NOT_FOUND, "unknown_symbol", "Unknown symbol", "/docs/problems#unknown_symbol"),
            Self::MethodNotAllowed => define(S::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed", "/docs/problems#method_not_allowed"),
            Self::Timeout => define(S::REQUEST_TIMEOUT, "timeout", "Request timeout", "/docs/problems#timeout"),
            Self::PayloadTooLarge => define(S::PAYLOAD_TOO_LARGE, "payload_too_large", "Payload too large", "/docs/problems#payload_too_large"),
            Self::UriTooLong => define(S::URI_TOO_LONG, "uri_too_long", "URI too long", "/docs/problems#uri_too_long"),
            Self::UnsupportedMediaType => define(S::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type", "/docs/problems#unsupported_media_type"),
            Self::Unprocessable => define(S::UNPROCESSABLE_ENTITY, "unprocessable", "Unprocessable content", "/docs/problems#unprocessable"),
            Self::QuotaExceeded => define(S::TOO_MANY_REQUESTS, "too_many_requests", "Quota exceeded", "https://iana.org/assignments/http-problem-types#quota-exceeded"),
            Self::TooManyFailures => define(S::TOO_MANY_REQUESTS, "too_many_failures", "Too many failed authentications", "/docs/problems#too_many_failures"),
            Self::HeaderFieldsTooLarge => define(S::REQUEST_HEADER_FIELDS_TOO_LARGE, "header_fields_too_large", "Request header fields too large", "/docs/problems#header_fields_too_large"),
            Self::Internal => define(S::INTERNAL_SERVER_ERROR, "internal", "Internal error", "/docs/problems#internal"),
            Self::BadGateway => define(S::BAD_GATEWAY, "bad_gateway", "Invalid upstream response", "/docs/problems#bad_gateway"),
            Self::UpstreamUnavailable => define(S::SERVICE_UNAVAILABLE, "upstream_unavailable", "Upstream unavailable", "/docs/problems#upstream_unavailable"),
            Self::UpstreamQuota => define(S::SERVICE_UNAVAILABLE, "upstream_quota", "Upstream quota exhausted", "/docs/problems#upstream_quota"),
            Self::Overloaded => define(S::SERVICE_UNAVAILABLE, "overloaded", "Temporarily reduced capacity", "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"),
            Self::Draining => define(S::SERVICE_UNAVAILABLE, "draining", "Shutting down", "/docs/problems#draining"),
            Self::NotReady => define(S::SERVICE_UNAVAILABLE, "not_ready", "Not ready", "/docs/problems#not_ready"),
            Self::StoreUnavailable => define(S::SERVICE_UNAVAILABLE, "store_unavailable", "Store unavailable", "/docs/problems#store_unavailable"),
            Self::KeyUnavailable => define(S::SERVICE_UNAVAILABLE, "key_unavailable", "Key unavailable", "/docs/problems#key_unavailable"),
        }
    }

    /// The general kind for an error response that a framework built with a status alone; `None` if it is not an error.
    pub(crate) fn from_status(status: StatusCode) -> Option<Self> {
        match Self::ALL.into_iter().find(|kind| kind.status() == status) {
            Some(kind) => Some(kind),
            None if status.is_client_error() => Some(Self::BadRequest),
            None if status.is_server_error() => Some(Self::Internal),
            None => None,
        }
    }
}

struct Definition {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    type_uri: &'static str,
}

const fn define(
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    type_uri: &'static str,
) -> Definition {
    Definition { status, code, title, type_uri }
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
    fn a_bare_status_maps_to_its_general_kind() {
        for (status, expected) in [
            (400, Some(Kind::BadRequest)),
            (404, Some(Kind::NotFound)),
            (418, Some(Kind::BadRequest)),
            (429, Some(Kind::QuotaExceeded)),
            (503, Some(Kind::UpstreamUnavailable)),
            (507, Some(Kind::Internal)),
            (304, None),
        ] {
            assert_eq!(Kind::from_status(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
