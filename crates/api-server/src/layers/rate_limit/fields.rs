//! The header fields of a limit: the IETF draft's (`draft-ietf-httpapi-ratelimit-headers-10`) and the older ones that
//! clients know.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::quota::Standing;
use crate::layers::security_headers::FIELDS_EXPECTED;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Every field of a limit, for lists of what a page of another origin may read.
pub const RATE_LIMIT_HEADERS: &str =
    "RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset";

/// How many fields tell of a limit.
pub(super) const FIELDS: usize = 5;

/// The fields of one answer.
#[derive(Clone, Debug)]
pub struct Fields([(HeaderName, HeaderValue); FIELDS]);

impl Fields {
    pub(super) fn new(name: &str, policy: HeaderValue, limit: HeaderValue, standing: Standing) -> Self {
        let [item, remaining, reset] = values(name, standing);
        Self([
            (RATELIMIT_POLICY, policy),
            (RATELIMIT, item),
            (X_RATELIMIT_LIMIT, limit),
            (X_RATELIMIT_REMAINING, remaining),
            (X_RATELIMIT_RESET, reset),
        ])
    }

    /// Whether an answer already tells of a limit.
    #[must_use]
    pub fn are_in(headers: &HeaderMap) -> bool {
        headers.contains_key(RATELIMIT)
    }

    /// Puts them into an answer.
    pub fn put_in(self, headers: &mut HeaderMap) {
        headers.reserve(FIELDS_EXPECTED.saturating_sub(headers.len()));
        for (name, value) in self.0 {
            headers.insert(name, value);
        }
    }
}

impl IntoIterator for Fields {
    type Item = (HeaderName, HeaderValue);
    type IntoIter = std::array::IntoIter<Self::Item, FIELDS>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// `"name";r=remaining;t=seconds`, a structured field item (RFC 9651 §3.3), and both numbers alone. The numbers are
/// parts of the item's text, so that one allocation holds all three.
fn values(name: &str, Standing { remaining, reset_s }: Standing) -> [HeaderValue; 3] {
    let mut text = Vec::with_capacity(64);
    let mut number = itoa::Buffer::new();
    for part in [b"\"", name.as_bytes(), b"\";r="] {
        text.extend_from_slice(part);
    }
    let remaining_at = text.len();
    text.extend_from_slice(number.format(remaining).as_bytes());
    let remaining = remaining_at..text.len();
    text.extend_from_slice(b";t=");
    let reset_at = text.len();
    text.extend_from_slice(number.format(reset_s).as_bytes());
    let text = Bytes::from(text);
    let value = |text| HeaderValue::from_maybe_shared(text).expect("digits and quotes are a header value");
    [text.clone(), text.slice(remaining), text.slice(reset_at..)].map(value)
}
