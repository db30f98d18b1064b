//! The header fields of a rate limit, those of the IETF draft (`draft-ietf-httpapi-ratelimit-headers-10`) and the older
//! `X-RateLimit-…`, and the problem of an exceeded limit.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rate_limit::{Limit, LimitStatus, WINDOW_S};

use super::hook::ResponseHook;
use crate::problem::{HEADERS_EXPECTED, Kind, Problem};

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Every header field of a limit, for `Access-Control-Expose-Headers`.
pub(crate) const RATE_LIMIT_HEADERS: &str =
    "RateLimit, RateLimit-Policy, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset";

const FIELDS: usize = 5;

/// A limit with its name and the header values that never change.
#[derive(Clone, Debug)]
pub(crate) struct LimitPolicy {
    name: &'static str,
    names: &'static [&'static str],
    detail: String,
    rate_limit_policy: HeaderValue,
    per_minute: HeaderValue,
}

/// The policies of keys with a limit of their own, one for each different limit. Few change, and reading takes no lock.
#[derive(Debug, Default)]
pub(crate) struct LimitPolicies(ArcSwap<Vec<(Limit, Arc<LimitPolicy>)>>);

/// Most different limits that are remembered; more are made for each request.
const POLICIES_MAX: usize = 256;

impl LimitPolicies {
    pub(crate) fn get(&self, limit: Limit) -> Arc<LimitPolicy> {
        let known = self.0.load();
        if let Some((_, policy)) = known.iter().find(|(other, _)| *other == limit) {
            return Arc::clone(policy);
        }
        let policy = Arc::new(LimitPolicy::for_keys(limit));
        if known.len() < POLICIES_MAX {
            self.0
                .rcu(|known| known.iter().cloned().chain([(limit, Arc::clone(&policy))]).collect::<Vec<_>>());
        }
        policy
    }
}

/// The limit of a request, for the response.
#[derive(Debug)]
pub(crate) struct LimitHeaders {
    pub(crate) policy: Arc<LimitPolicy>,
    pub(crate) status: LimitStatus,
}

impl ResponseHook for LimitHeaders {
    fn on_response(self, response: &mut Response) {
        // The fields of the limit that was exceeded, possibly another one, are there already.
        if response.status() == StatusCode::TOO_MANY_REQUESTS && response.headers().contains_key(RATELIMIT) {
            return;
        }
        // Of a request that cost more.
        let status = response.extensions_mut().remove().unwrap_or(self.status);
        self.policy.insert(status, response.headers_mut());
    }
}

impl LimitPolicy {
    /// `sender` is whoever the limit counts, for the text of the problem.
    pub(crate) fn new(names: &'static [&'static str; 1], sender: &str, limit: Limit) -> Self {
        let [name] = *names;
        let limit = limit.bounded();
        let Limit { per_minute, burst } = limit;
        let burst_window_s = limit.burst_window_s();
        let rate_limit_policy =
            format!("\"{name}\";q={per_minute};w={WINDOW_S}, \"burst\";q={burst};w={burst_window_s}");
        let rate_limit_policy =
            HeaderValue::try_from(rate_limit_policy).expect("digits and quotes are a header value");
        let detail = format!("this {sender} may send {per_minute} requests per minute");
        Self { name, names, detail, rate_limit_policy, per_minute: HeaderValue::from(per_minute.get()) }
    }

    /// The limit of each API key.
    pub(crate) fn for_keys(limit: Limit) -> Self {
        Self::new(&["key"], "API key", limit)
    }

    fn insert(&self, status: LimitStatus, headers: &mut HeaderMap) {
        headers.reserve(HEADERS_EXPECTED.saturating_sub(headers.len()));
        for (name, value) in self.fields(status) {
            headers.insert(name, value);
        }
    }

    pub(crate) fn exceeded(&self, status: LimitStatus) -> Problem {
        let problem = Problem::new(Kind::QuotaExceeded, self.detail.clone())
            .violating(self.names)
            .with_room_for_headers(FIELDS + 1)
            .retry_after_s(status.reset_s);
        self.fields(status)
            .into_iter()
            .fold(problem, |problem, (name, value)| problem.with_header(name, value))
    }

    fn fields(&self, status: LimitStatus) -> [(HeaderName, HeaderValue); FIELDS] {
        let [item, remaining, reset] = values(self.name, status);
        [
            (RATELIMIT_POLICY, self.rate_limit_policy.clone()),
            (RATELIMIT, item),
            (X_RATELIMIT_LIMIT, self.per_minute.clone()),
            (X_RATELIMIT_REMAINING, remaining),
            (X_RATELIMIT_RESET, reset),
        ]
    }
}

/// `"name";r=remaining;t=seconds`, a structured field item (RFC 9651 §3.3), and each number alone. All three share one
/// allocation.
fn values(name: &str, LimitStatus { remaining, reset_s }: LimitStatus) -> [HeaderValue; 3] {
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

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn the_header_fields_follow_the_draft() {
        let number = |number| NonZeroU32::new(number).unwrap();
        let policy =
            LimitPolicy::new(&["key"], "API key", Limit { per_minute: number(120), burst: number(20) });
        let mut headers = HeaderMap::new();
        policy.insert(LimitStatus { remaining: 17, reset_s: 2 }, &mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"key\";q=120;w=60, \"burst\";q=20;w=10");
        assert_eq!(headers["ratelimit"], "\"key\";r=17;t=2");
        assert_eq!(headers["x-ratelimit-limit"], "120");
        assert_eq!(headers["x-ratelimit-remaining"], "17");
        assert_eq!(headers["x-ratelimit-reset"], "2");
    }
}
