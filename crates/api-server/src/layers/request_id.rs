//! Gives every request an id: in the answer's `X-Request-Id`, in every problem, and in every log line of the request.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::exchange::Exchange;

/// The header that carries it in and out.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Shortest and longest id that a client may choose.
const CLIENT_ID_BYTES: std::ops::RangeInclusive<usize> = 8..=RequestId::BYTES_MAX;

/// The name of one request: letters, digits, `-` and `_`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    length: u8,
    bytes: [u8; Self::BYTES_MAX],
}

impl RequestId {
    const BYTES_MAX: usize = 64;

    /// An id that a client chose; `None` when it is too short, too long, or could break a log line.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !CLIENT_ID_BYTES.contains(&text.len()) || !text.iter().all(is_plain) {
            return None;
        }
        let mut bytes = [0; Self::BYTES_MAX];
        bytes[..text.len()].copy_from_slice(text);
        Some(Self { length: u8::try_from(text.len()).ok()?, bytes })
    }

    /// 32 hexadecimal digits.
    fn of_bits(bits: [u64; 2]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [0; Self::BYTES_MAX];
        for (place, byte) in bits.into_iter().flat_map(u64::to_be_bytes).enumerate() {
            bytes[2 * place] = DIGITS[usize::from(byte >> 4)];
            bytes[2 * place + 1] = DIGITS[usize::from(byte & 15)];
        }
        Self { length: 32, bytes }
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// Its text.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The id of the request that this thread is working for just now.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.get()
    }

    /// Runs a closure as a part of this request, such as a computation on another thread.
    pub fn scope<T>(self, work: impl FnOnce() -> T) -> T {
        let _scope = Scope::enter(self);
        work()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

thread_local! {
    static CURRENT: Cell<Option<RequestId>> = const { Cell::new(None) };
}

/// Restores the id of before when dropped, also when a panic passes.
struct Scope {
    before: Option<RequestId>,
}

impl Scope {
    fn enter(id: RequestId) -> Self {
        Self { before: CURRENT.replace(Some(id)) }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(self.before);
    }
}

/// The layer. Ids are a counter under a keyed hash: they never repeat in a process and cannot be guessed from others.
#[derive(Clone, Debug, Default)]
pub struct RequestIds(Arc<Source>);

#[derive(Debug, Default)]
struct Source {
    keys: [RandomState; 2],
    issued: AtomicU64,
}

impl RequestIds {
    fn issue(&self) -> RequestId {
        let count = self.0.issued.fetch_add(1, Ordering::Relaxed);
        RequestId::of_bits([self.0.keys[0].hash_one(count), self.0.keys[1].hash_one(count)])
    }

    fn of(&self, headers: &HeaderMap) -> RequestId {
        let chosen = headers.get(X_REQUEST_ID).and_then(|value| RequestId::parse(value.as_bytes()));
        chosen.unwrap_or_else(|| self.issue())
    }
}

impl<S> Layer<S> for RequestIds {
    type Service = Identified<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Identified { ids: self.clone(), inner }
    }
}

/// A service whose requests have an id.
#[derive(Clone, Debug)]
pub struct Identified<S> {
    ids: RequestIds,
    inner: S,
}

impl<S> Service<Request> for Identified<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = IdentifiedFuture<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let id = self.ids.of(request.headers());
        if let Ok(exchange) = Exchange::of(&request) {
            exchange.set_id(id);
        }
        let _scope = Scope::enter(id);
        IdentifiedFuture { id, inner: self.inner.call(request) }
    }
}

pin_project! {
    /// The answer of an [`Identified`] service.
    #[derive(Debug)]
    pub struct IdentifiedFuture<F> {
        id: RequestId,
        #[pin]
        inner: F,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for IdentifiedFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _scope = Scope::enter(*this.id);
        let Ok(mut response) = ready!(this.inner.poll(context));
        if let Ok(value) = HeaderValue::from_bytes(this.id.as_bytes()) {
            response.headers_mut().insert(X_REQUEST_ID, value);
        }
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_choose_a_plain_id_and_nothing_else() {
        for (text, is_accepted) in [
            ("abcdefgh", true),
            ("A-b_c-d_1", true),
            (&"a".repeat(64), true),
            ("abcdefg", false),
            (&"a".repeat(65), false),
            ("abcdefg\n", false),
            ("abcdefg\"", false),
            ("abcdefg\u{e9}", false),
            ("", false),
        ] {
            assert_eq!(RequestId::parse(text.as_bytes()).is_some(), is_accepted, "{text:?}");
        }
    }

    #[test]
    fn issued_ids_are_128_bits_and_differ_between_requests_and_processes() {
        let (one, other) = (RequestIds::default(), RequestIds::default());
        let ids = [one.issue(), one.issue(), other.issue()];
        assert!(ids.iter().all(|id| id.as_str().len() == 32));
        assert!(ids[0] != ids[1] && ids[0] != ids[2]);
    }

    #[test]
    fn the_current_id_is_that_of_the_innermost_scope_also_after_a_panic() {
        let ids = RequestIds::default();
        let (outer, inner) = (ids.issue(), ids.issue());
        assert_eq!(RequestId::current(), None);
        outer.scope(|| {
            inner.scope(|| assert_eq!(RequestId::current(), Some(inner)));
            assert_eq!(RequestId::current(), Some(outer));
        });
        let _panic = std::panic::catch_unwind(|| outer.scope(|| panic!("on purpose")));
        assert_eq!(RequestId::current(), None);
    }
}
