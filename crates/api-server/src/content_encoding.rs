//! Content encodings: which one a client accepts, and compression by tower-http.

use std::convert::Infallible;
use std::future::ready;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::BodyExt;
use strum::VariantArray;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

/// A smaller body is not compressed: it fits in one packet as it is.
pub(crate) const COMPRESSED_BYTES_MIN: usize = 1024;
/// For a body that is sent once. Level 1 of each encoding compresses market data to a quarter of its size at 2 to 5 µs per KiB.
pub(crate) const LEVEL_ONCE: CompressionLevel = CompressionLevel::Precise(1);
/// For a body that is cached: 10 % smaller in about three times the time.
pub(crate) const LEVEL_CACHED: CompressionLevel = CompressionLevel::Precise(6);

/// The encoding of a body. If a client accepts several equally, the last of them is chosen, because it is the fastest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum ContentEncoding {
    #[default]
    Identity,
    Gzip,
    #[strum(serialize = "br")]
    Brotli,
    Zstd,
}

impl ContentEncoding {
    pub(crate) fn header_value(self) -> HeaderValue {
        HeaderValue::from_static(self.into())
    }

    /// The preferred encoding in `Accept-Encoding` (RFC 9110 §12.5.3). If none is supported it is identity, never 406.
    pub(crate) fn negotiate(headers: &HeaderMap) -> Self {
        let (mut weights, mut others) = ([None; Self::VARIANTS.len()], None);
        let lines = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|line| line.to_str().ok());
        for item in lines.flat_map(|line| line.split(',')) {
            let (name, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
            let weight = parameter.split_once('=').and_then(|(_, weight)| weight.trim().parse::<f32>().ok());
            // An invalid weight counts as 0.
            let weight = weight.filter(|weight| (0.0..=1.0).contains(weight)).unwrap_or(0.0);
            let name = name.trim();
            let is_named = |encoding: &&Self| <&str>::from(**encoding).eq_ignore_ascii_case(name);
            match Self::VARIANTS.iter().find(is_named) {
                Some(encoding) => weights[*encoding as usize] = Some(weight),
                None if name == "*" => others = Some(weight),
                None => {}
            }
        }
        let weight = |encoding: Self| weights[encoding as usize].or(others).unwrap_or(0.0);
        let accepted = Self::VARIANTS.iter().copied().filter(|encoding| weight(*encoding) > 0.0);
        accepted.max_by(|a, b| weight(*a).total_cmp(&weight(*b))).unwrap_or_default()
    }

    /// The whole body in this encoding; `None` if that fails or the body is incomplete. Not compressed while it is sent: a slow
    /// client would occupy an encoder of up to megabytes.
    pub(crate) fn compress(self, body: Body, level: CompressionLevel) -> Option<Bytes> {
        let mut request = Request::new(());
        request.headers_mut().insert(header::ACCEPT_ENCODING, self.header_value());
        let mut response = Response::new(body);
        let inner = service_fn(move |_| ready(Ok::<_, Infallible>(std::mem::take(&mut response))));
        let compressed = async {
            let Ok(response) = CompressionLayer::new().quality(level).layer(inner).oneshot(request).await;
            response.into_body().collect().await.ok()
        };
        // Bodies of handlers are complete in memory, so the first poll finishes.
        match pin!(compressed).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(collected) => Some(collected?.to_bytes()),
            Poll::Pending => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::ContentEncoding::{Brotli, Gzip, Identity, Zstd};
    use super::*;

    #[test]
    fn the_encoding_with_the_greatest_weight_is_chosen() {
        for (lines, expected) in [
            (&[][..], Identity),
            (&[""], Identity),
            (&["gzip"], Gzip),
            (&["GZIP"], Gzip),
            (&["gzip, deflate, br"], Brotli),
            (&["gzip, deflate, br, zstd"], Zstd),
            (&["gzip", "br"], Brotli),
            (&["gzip;q=1.0, br;q=0.8"], Gzip),
            (&["gzip ; Q = 0.5,br;q=0.8"], Brotli),
            (&["br;q=0, gzip;q=0.001"], Gzip),
            (&["gzip;q=0"], Identity),
            (&["identity, gzip;q=0.5"], Identity),
            (&["identity;q=0.5, gzip"], Gzip),
            (&["identity, gzip"], Gzip),
            (&["*"], Zstd),
            (&["zstd;q=0, *;q=0.1"], Brotli),
            (&["*;q=0"], Identity),
            (&["*;q=0, gzip"], Gzip),
            (&["identity;q=0"], Identity),
            (&["identity;q=0, *"], Zstd),
            (&["identity;q=0, *;q=0"], Identity),
            (&["deflate, compress, x"], Identity),
            (&["gzip;q=2", "gzip;q=NaN", "gzip;q=", "gzip;q", "gzip;"], Identity),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(line));
            }
            assert_eq!(ContentEncoding::negotiate(&headers), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_complete_body_is_compressed_and_an_incomplete_one_is_refused() {
        for encoding in [Gzip, Brotli, Zstd] {
            for level in [LEVEL_ONCE, LEVEL_CACHED] {
                let compressed = encoding.compress(Body::from(vec![b'x'; 100_000]), level).unwrap();
                assert!((1..1000).contains(&compressed.len()), "{encoding:?}: {}", compressed.len());
            }
            let incomplete = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
            assert_eq!(encoding.compress(incomplete, LEVEL_ONCE), None);
        }
    }
}
