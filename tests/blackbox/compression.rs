//! Compressed responses: the same bytes, `Vary` and `ETag`, and compressed once.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZstdDecoder};
use reqwest::Method;
use reqwest::blocking::{Client, Response};
use tests::{Server, ServerOptions};
use tokio::io::AsyncReadExt;

const ANALYSIS: &str = "/api/analyze/AAPL";
/// Routes with responses of 1 KiB and more.
const LONG: [&str; 5] = [ANALYSIS, "/api/bars/AAPL", "/api/indicators/AAPL", "/openapi.json", "/docs"];

fn start() -> Server {
    ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", "1000000").start()
}

fn send(method: Method, server: &Server, path: &str, headers: &[(&str, &str)]) -> Response {
    let client = Client::builder().no_proxy().build().unwrap();
    let request = client.request(method, server.url(path));
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().unwrap()
}

fn get(server: &Server, path: &str, accept_encoding: &str) -> Response {
    send(Method::GET, server, path, &[("accept-encoding", accept_encoding)])
}

/// A header, all its lines together; empty if there is none.
fn header(response: &Response, name: &str) -> String {
    let lines = response.headers().get_all(name).iter();
    lines.map(|line| line.to_str().unwrap()).collect::<Vec<_>>().join(", ")
}

/// The decoded body, and its length before.
fn decode(response: Response) -> (Vec<u8>, usize) {
    let encoding = header(&response, "content-encoding");
    let length = header(&response, "content-length");
    let body = response.bytes().unwrap();
    assert_eq!(length, body.len().to_string());
    let (encoded, mut decoded) = (&body[..], Vec::new());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    match encoding.as_str() {
        "gzip" => runtime.block_on(GzipDecoder::new(encoded).read_to_end(&mut decoded)).unwrap(),
        "br" => runtime.block_on(BrotliDecoder::new(encoded).read_to_end(&mut decoded)).unwrap(),
        "zstd" => runtime.block_on(ZstdDecoder::new(encoded).read_to_end(&mut decoded)).unwrap(),
        other => panic!("unexpected encoding {other:?}"),
    };
    (decoded, body.len())
}

fn lookups(server: &Server, outcome: &str) -> f64 {
    let series = format!("cache_lookups_total{{cache=\"responses\",outcome=\"{outcome}\"}}");
    server.metric(&series).unwrap()
}

#[test]
fn a_long_response_decodes_to_the_same_bytes_in_each_encoding() {
    let server = start();
    for path in LONG {
        let plain = send(Method::GET, &server, path, &[]);
        assert_eq!(
            (plain.status().as_u16(), header(&plain, "content-encoding").as_str()),
            (200, ""),
            "{path}"
        );
        assert!(header(&plain, "vary").contains("Accept-Encoding"), "{path}");
        let plain = plain.bytes().unwrap();
        for encoding in ["gzip", "br", "zstd"] {
            let compressed = get(&server, path, encoding);
            assert_eq!(header(&compressed, "content-encoding"), encoding, "{path}");
            assert!(header(&compressed, "vary").contains("Accept-Encoding"), "{path}");
            let head = send(Method::HEAD, &server, path, &[("accept-encoding", encoding)]);
            for name in ["content-encoding", "content-length", "etag", "vary"] {
                assert_eq!(header(&head, name), header(&compressed, name), "{path}: {name}");
            }
            let (decoded, bytes) = decode(compressed);
            assert_eq!(decoded, plain, "{path}: {encoding}");
            assert!(bytes < plain.len() / 2, "{path}: {encoding}: {bytes} of {}", plain.len());
        }
    }
    let (metrics, _) = decode(get(&server, "/metrics", "gzip"));
    assert!(String::from_utf8(metrics).unwrap().contains("investiq_http_requests_total"));
}

#[test]
fn the_client_decides_whether_and_how_a_response_is_compressed() {
    let server = start();
    for (accept_encoding, expected) in [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, br;q=0.5", "gzip"),
        ("*, zstd;q=0", "br"),
        ("gzip;q=0, br;q=0, zstd;q=0", ""),
        ("identity, gzip;q=0.9", ""),
        ("deflate", ""),
        ("identity;q=0", ""),
        ("*;q=0", ""),
    ] {
        for path in [ANALYSIS, "/api/bars/AAPL"] {
            let response = get(&server, path, accept_encoding);
            let got = (response.status().as_u16(), header(&response, "content-encoding"));
            assert_eq!(got, (200, expected.to_owned()), "{path}: {accept_encoding}");
        }
    }
}

#[test]
fn short_responses_probes_and_errors_are_not_compressed() {
    let server = start();
    for path in
        ["/api/symbols/AAPL", "/api/symbols", "/", "/livez", "/health", "/api/analyze/ZZZZ", "/nowhere"]
    {
        let response = get(&server, path, "gzip, br, zstd");
        assert_eq!(header(&response, "content-encoding"), "", "{path}");
    }
}

#[test]
fn an_etag_is_weak_if_it_may_stand_for_several_encodings_and_matches_in_all() {
    let server = start();
    for path in [ANALYSIS, "/api/bars/AAPL", "/api/symbols/AAPL"] {
        let strong = header(&send(Method::GET, &server, path, &[]), "etag");
        assert!(strong.starts_with('"'), "{strong}");
        let weak = format!("W/{strong}");
        for (accept_encoding, of_200) in [("identity", &strong), ("gzip", &weak), ("br", &weak)] {
            assert_eq!(header(&get(&server, path, accept_encoding), "etag"), *of_200, "{path}");
            for cached in [&strong, &weak] {
                let headers = [("accept-encoding", accept_encoding), ("if-none-match", cached)];
                let not_modified = send(Method::GET, &server, path, &headers);
                assert_eq!(not_modified.status(), 304, "{path}: {cached}");
                assert_eq!(header(&not_modified, "etag"), *of_200);
                assert_eq!(header(&not_modified, "content-encoding"), "");
                assert_eq!(header(&not_modified, "vary"), "Authorization, X-API-Key, Accept-Encoding");
            }
        }
    }
}

#[test]
fn an_analysis_is_compressed_once_for_each_encoding() {
    let server = start();
    let first = decode(get(&server, ANALYSIS, "br"));
    // Neither compressed nor uncompressed.
    assert_eq!((lookups(&server, "hit"), lookups(&server, "miss")), (0.0, 2.0));
    assert_eq!(decode(get(&server, ANALYSIS, "br")), first);
    assert_eq!((lookups(&server, "hit"), lookups(&server, "miss")), (1.0, 2.0));
    // Compressed from the cached analysis.
    assert_eq!(decode(get(&server, ANALYSIS, "gzip")).0, first.0);
    assert_eq!((lookups(&server, "hit"), lookups(&server, "miss")), (2.0, 3.0));
    assert_eq!(server.metric("cache_entries{cache=\"responses\"}"), Some(3.0));
}
