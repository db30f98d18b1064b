//! Bodies that are too large, encoded, or of a source that has no key.

use std::fmt::Write as _;

use tests::events::AlpacaAccount;
use tests::providers::{ALPACA_SECRET, Providers, now};
use tests::raw;

/// What the servers of these tests read of a body.
const BODY_BYTES_MAX: usize = 16 * 1024;

#[test]
fn a_large_body_is_refused_before_it_is_hashed_told_or_chunked() {
    let providers = Providers::new();
    let server = providers.options().set("WEBHOOK_BODY_BYTES_MAX", BODY_BYTES_MAX.to_string()).start();
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(BODY_BYTES_MAX));
    let answer = server.deliver(&providers.alpaca("trade", large.clone()));
    assert_eq!(answer.status, 413, "{answer:?}");
    let header = providers.signer.alpaca(ALPACA_SECRET, now().as_second(), large.as_bytes());
    let mut chunked = format!(
        "POST /api/v1/webhooks/alpaca/trade HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Alpaca-Signature: {header}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    );
    for chunk in large.as_bytes().chunks(1000) {
        let text = std::str::from_utf8(chunk).unwrap();
        write!(chunked, "{:x}\r\n{text}\r\n", chunk.len()).unwrap();
    }
    chunked.push_str("0\r\n\r\n");
    let exchange = raw::exchange(server.address(), chunked.as_bytes());
    assert_eq!(exchange.status(), Some(413), "{}", exchange.text());
    assert_eq!(super::kept(&server), 0);
}

#[test]
fn a_compressed_body_is_never_unpacked() {
    let providers = Providers::new();
    let server = providers.options().start();
    let body = AlpacaAccount::named("gzip").status(now(), "APPROVED", "ACTIVE");
    let request = providers.alpaca("account", body).adding("content-encoding", "gzip");
    let answer = server.deliver(&request);
    assert!(matches!(answer.status, 400 | 415), "{answer:?}");
    assert_eq!(super::kept(&server), 0);
}

#[test]
fn a_source_without_a_key_answers_that_it_cannot_now() {
    let providers = Providers::new();
    let options = providers.options();
    let options =
        options.unset("ALPACA_WEBHOOK_SECRET").unset("BRIDGE_WEBHOOK_SECRET").unset("CIRCLE_API_KEY");
    let server = options.start();
    for request in [providers.alpaca("trade", "{}"), providers.bridge("{}"), providers.circle("{}")] {
        let answer = server.deliver(&request);
        assert_eq!(answer.status, 503, "{}: {answer:?}", request.path);
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        let _ = answer.problem();
    }
    assert_eq!(super::kept(&server), 0);
}
