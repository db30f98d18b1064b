//! The kinds of problems. Each is a heading of `docs/PROBLEMS.md`, which the service also serves at `/docs/problems`.

use http::StatusCode;

struct Definition {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    type_uri: &'static str,
}

/// Declares the kinds with their statuses, codes and titles. A type that is registered with IANA follows; all others are
/// headings of the page that this service serves.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $status:ident, $code:literal, $title:literal $(, $type_uri:literal)?;)*) => {
        /// A kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind, in the order of their status.
            pub(crate) const ALL: [Self; DEFINITIONS.len()] = [$(Self::$kind),*];
        }

        const DEFINITIONS: [Definition; [$($code),*].len()] = [$(Definition {
            status: StatusCode::$status,
            code: $code,
            title: $title,
            type_uri: [$($type_uri,)? concat!("/docs/problems#", $code)][0],
        }),*];
    };
}

kinds! {
    /// The request cannot be parsed.
    BadRequest = BAD_REQUEST, "bad_request", "Bad request";
    /// The text in the path is not a ticker.
    InvalidSymbol = BAD_REQUEST, "invalid_symbol", "Invalid symbol";
    /// A malformed delivery, or one whose timestamp is too old or in the future.
    DeliveryRefused = BAD_REQUEST, "delivery_refused", "Delivery refused";
    /// No credential, or an invalid one.
    Unauthorized = UNAUTHORIZED, "unauthorized", "Unauthorized";
    /// A delivery whose signature is missing or invalid.
    SignatureRejected = UNAUTHORIZED, "signature_rejected", "Signature rejected";
    /// A valid credential whose role does not allow the request.
    Forbidden = FORBIDDEN, "forbidden", "Forbidden";
    /// The client's network is banned for a time.
    Banned = FORBIDDEN, "banned", "Banned";
    /// No such path.
    NotFound = NOT_FOUND, "not_found", "Not found";
    /// The data source does not have this well-formed ticker.
    UnknownSymbol = NOT_FOUND, "unknown_symbol", "Unknown symbol";
    /// The path exists, but not with this method.
    MethodNotAllowed = METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed";
    /// The request took longer than the service allows.
    Timeout = REQUEST_TIMEOUT, "timeout", "Request timeout";
    /// The state of the resource does not allow it.
    Conflict = CONFLICT, "conflict", "Conflict";
    /// The body is larger than the route accepts.
    PayloadTooLarge = PAYLOAD_TOO_LARGE, "payload_too_large", "Payload too large";
    /// The path and query are too long.
    UriTooLong = URI_TOO_LONG, "uri_too_long", "URI too long";
    /// The body's media type or encoding is not accepted.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "Unsupported media type";
    /// The request is well formed, but a value in it is not allowed.
    Unprocessable = UNPROCESSABLE_ENTITY, "unprocessable", "Unprocessable content";
    /// A rate limit was reached.
    QuotaExceeded = TOO_MANY_REQUESTS, "too_many_requests", "Quota exceeded",
        "https://iana.org/assignments/http-problem-types#quota-exceeded";
    /// Too many invalid credentials came from this address.
    TooManyFailures = TOO_MANY_REQUESTS, "too_many_failures", "Too many failed authentications";
    /// The header fields are too large.
    HeaderFieldsTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "header_fields_too_large", "Request header fields too large";
    /// A fault of the service itself.
    Internal = INTERNAL_SERVER_ERROR, "internal", "Internal error";
    /// The file with the data of a symbol cannot be used.
    UnusableFile = INTERNAL_SERVER_ERROR, "unusable_file", "Unusable market data file";
    /// The data vendor's response is invalid.
    BadGateway = BAD_GATEWAY, "bad_gateway", "Invalid upstream response";
    /// The data vendor is unreachable, and nothing fresh enough is cached.
    UpstreamUnavailable = SERVICE_UNAVAILABLE, "upstream_unavailable", "Upstream unavailable";
    /// The quota of the plan with the data vendor is exhausted.
    UpstreamQuota = SERVICE_UNAVAILABLE, "upstream_quota", "Upstream quota exhausted";
    /// More requests are in flight than the service handles at once.
    Overloaded = SERVICE_UNAVAILABLE, "overloaded", "Temporarily reduced capacity",
        "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";
    /// The service is shutting down.
    Draining = SERVICE_UNAVAILABLE, "draining", "Shutting down";
    /// A dependency of the service is unavailable or no longer valid.
    NotReady = SERVICE_UNAVAILABLE, "not_ready", "Not ready";
    /// The database is unavailable.
    StoreUnavailable = SERVICE_UNAVAILABLE, "store_unavailable", "Store unavailable";
    /// The key that verifies a delivery is unavailable.
    KeyUnavailable = SERVICE_UNAVAILABLE, "key_unavailable", "Key unavailable";
}

impl Kind {
    pub(crate) fn status(self) -> StatusCode {
        DEFINITIONS[self as usize].status
    }

    /// The stable name for programs, and the heading in `docs/PROBLEMS.md`.
    pub(crate) fn code(self) -> &'static str {
        DEFINITIONS[self as usize].code
    }

    /// The summary for people; the same on every occurrence.
    pub(crate) fn title(self) -> &'static str {
        DEFINITIONS[self as usize].title
    }

    pub(crate) fn type_uri(self) -> &'static str {
        DEFINITIONS[self as usize].type_uri
    }

    /// The general kind of an error response that has only a status; `None` if the status is no error.
    pub(crate) fn from_status(status: StatusCode) -> Option<Self> {
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
