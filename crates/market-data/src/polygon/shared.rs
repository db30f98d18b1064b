//! Responses of the vendor that replicas share, so that all of them together make one call.
//!
//! A response is kept as the vendor sent it, and parsed and checked whenever it is read, as if it came from the vendor. Whoever can write to
//! the place where it is kept cannot change it: it is authenticated with the API key of the vendor, which every replica has.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use hmac::{Hmac, Mac as _};
use reqwest::Url;
use reqwest::header::HeaderValue;
use sha2::Sha256;

/// Longer responses are not shared.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Time between two looks for the response that another replica fetches.
pub(super) const LOOK_PERIOD: Duration = Duration::from_millis(50);

/// The result of an operation of [`SharedResponses`].
pub type Shared<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where replicas share responses. While it does not answer, each replica makes its own calls.
pub trait SharedResponses: Debug + Send + Sync {
    /// The text under this name.
    fn read<'a>(&'a self, name: &'a str) -> Shared<'a, Option<String>>;
    /// Keeps a text for a time.
    fn write<'a>(&'a self, name: &'a str, text: String, keep_for: Duration) -> Shared<'a, ()>;
    /// Whether the caller is the one that makes the call, for this time or until [`release`](Self::release). Also if nobody can say.
    /// The token tells the caller from others.
    fn claim<'a>(&'a self, name: &'a str, token: &'a str, hold: Duration) -> Shared<'a, bool>;
    /// Ends the claim with this token.
    fn release<'a>(&'a self, name: &'a str, token: &'a str) -> Shared<'a, ()>;
}

/// A response, with the time at which the vendor sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SharedResponse {
    pub(super) body: Vec<u8>,
    pub(super) fetched_at_ms: i64,
}

impl SharedResponse {
    /// Its text: the code that authenticates it, the time and the body. `None` if it is too long, or is no text.
    pub(super) fn seal(&self, url: &Url, key: &HeaderValue) -> Option<String> {
        let body = std::str::from_utf8(&self.body).ok().filter(|body| body.len() <= BODY_BYTES_MAX)?;
        let code = hex::encode(self.code(url, key)?.finalize().into_bytes());
        Some(format!("{code} {} {body}", self.fetched_at_ms))
    }

    /// The response of a text that [`seal`](Self::seal) made for this URL with this key.
    pub(super) fn open(text: &str, url: &Url, key: &HeaderValue) -> Option<Self> {
        let (code, rest) = text.split_once(' ')?;
        let (fetched_at_ms, body) = rest.split_once(' ')?;
        let response = Self { body: body.as_bytes().to_vec(), fetched_at_ms: fetched_at_ms.parse().ok()? };
        response.code(url, key)?.verify_slice(&hex::decode(code).ok()?).ok()?;
        Some(response)
    }

    fn code(&self, url: &Url, key: &HeaderValue) -> Option<Hmac<Sha256>> {
        let mut code = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
        for part in [url.as_str().as_bytes(), self.fetched_at_ms.to_string().as_bytes(), &self.body] {
            code.update(&(part.len() as u64).to_be_bytes());
            code.update(part);
        }
        Some(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_response_is_that_of_its_url_and_key_or_none() {
        let url = |path: &str| Url::parse("https://api.example").unwrap().join(path).unwrap();
        let key = |text| super::super::bearer(text).unwrap();
        let response =
            SharedResponse { body: b"{\"results\": []}".to_vec(), fetched_at_ms: 1_700_000_000_000 };
        let text = response.seal(&url("/a?x=1"), &key("k1")).unwrap();
        assert_eq!(SharedResponse::open(&text, &url("/a?x=1"), &key("k1")), Some(response.clone()));
        assert_eq!(SharedResponse::open(&text, &url("/a?x=2"), &key("k1")), None, "of another URL");
        assert_eq!(SharedResponse::open(&text, &url("/a?x=1"), &key("k2")), None, "with another key");
        for (from, to) in [("[]", "{}"), ("1700000000000", "1700000000001")] {
            assert_eq!(
                SharedResponse::open(&text.replace(from, to), &url("/a?x=1"), &key("k1")),
                None,
                "{from}"
            );
        }
        for text in ["", " ", "x 1 {}", "00 1 {}"] {
            assert_eq!(SharedResponse::open(text, &url("/a?x=1"), &key("k1")), None, "{text:?}");
        }
        let long = SharedResponse { body: vec![b' '; BODY_BYTES_MAX + 1], ..response };
        assert_eq!(long.seal(&url("/a"), &key("k1")), None);
    }
}
