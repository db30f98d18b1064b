//! The kinds of problem. Each is a heading of `docs/PROBLEMS.md`, which the service also serves at `/docs/problems`.

use http::StatusCode;

/// A kind of problem: its status, its code, its title and its type are fixed here and nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request cannot be understood.
    BadRequest,
    /// The text in the path is not a ticker.
    InvalidSymbol,
    /// No credential, or one that is not valid.
    Unauthorized,
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
}

impl Kind {
    /// Every kind, in the order of their status.
    pub const ALL: [Self; 21] = [
        Self::BadRequest,
        Self::InvalidSymbol,
        Self::Unauthorized,
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
    ];

    /// Its status code.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest | Self::InvalidSymbol => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound | Self::UnknownSymbol => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Timeout => StatusCode::REQUEST_TIMEOUT,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::QuotaExceeded | Self::TooManyFailures => StatusCode::TOO_MANY_REQUESTS,
            Self::HeaderFieldsTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::BadGateway => StatusCode::BAD_GATEWAY,
            Self::UpstreamUnavailable | Self::UpstreamQuota | Self::Overloaded | Self::Draining => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// Its URI reference. Two kinds are registered with IANA; the others are headings of the page that this service
    /// serves. The part after `#` is always the code.
    #[must_use]
    pub fn type_uri(self) -> &'static str {
        match self {
            Self::BadRequest => "/docs/problems#bad-request",
            Self::InvalidSymbol => "/docs/problems#invalid-symbol",
            Self::Unauthorized => "/docs/problems#unauthorized",
            Self::Forbidden => "/docs/problems#forbidden",
            Self::NotFound => "/docs/problems#not-found",
            Self::UnknownSymbol => "/docs/problems#unknown-symbol",
            Self::MethodNotAllowed => "/docs/problems#method-not-allowed",
            Self::Timeout => "/docs/problems#timeout",
            Self::PayloadTooLarge => "/docs/problems#payload-too-large",
            Self::UriTooLong => "/docs/problems#uri-too-long",
            Self::UnsupportedMediaType => "/docs/problems#unsupported-media-type",
            Self::Unprocessable => "/docs/problems#unprocessable",
            Self::QuotaExceeded => "https://iana.org/assignments/http-problem-types#quota-exceeded",
            Self::TooManyFailures => "/docs/problems#too-many-failures",
            Self::HeaderFieldsTooLarge => "/docs/problems#header-fields-too-large",
            Self::Internal => "/docs/problems#internal",
            Self::BadGateway => "/docs/problems#bad-gateway",
            Self::UpstreamUnavailable => "/docs/problems#upstream-unavailable",
            Self::UpstreamQuota => "/docs/problems#upstream-quota",
            Self::Overloaded => "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
            Self::Draining => "/docs/problems#draining",
        }
    }

    /// Its stable name for programs: the fragment of its type.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.type_uri().split_once('#').map_or("", |(_, fragment)| fragment)
    }

    /// Its summary for people; the same on every occurrence.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "Bad request",
            Self::InvalidSymbol => "Invalid symbol",
            Self::Unauthorized => "Unauthorized",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "Not found",
            Self::UnknownSymbol => "Unknown symbol",
            Self::MethodNotAllowed => "Method not allowed",
            Self::Timeout => "Request timeout",
            Self::PayloadTooLarge => "Payload too large",
            Self::UriTooLong => "URI too long",
            Self::UnsupportedMediaType => "Unsupported media type",
            Self::Unprocessable => "Unprocessable content",
            Self::QuotaExceeded => "Quota exceeded",
            Self::TooManyFailures => "Too many failed authentications",
            Self::HeaderFieldsTooLarge => "Request header fields too large",
            Self::Internal => "Internal error",
            Self::BadGateway => "Bad upstream answer",
            Self::UpstreamUnavailable => "Upstream unavailable",
            Self::UpstreamQuota => "Upstream quota used up",
            Self::Overloaded => "Temporarily reduced capacity",
            Self::Draining => "Shutting down",
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_distinct_and_kebab_case() {
        let codes: BTreeSet<_> = Kind::ALL.into_iter().map(Kind::code).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        assert!(codes.iter().all(|code| {
            !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        }));
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
