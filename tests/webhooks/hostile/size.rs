//! Bodies that are too large or encoded, and providers without a secret.

use std::fmt::Write as _;

use tests::events::AlpacaAccount;
use tests::providers::{ALPACA_SECRET, Providers, now};
use tests::raw;

const BODY_BYTES_MAX: usize = 16 * 1024;

#[test]
fn a_large_body_is_rejected_with_content_length_or_chunked() {
    let providers = Providers::new();
    let server = providers.options().set("WEBHOOK_BODY_BYTES_MAX", BODY_BYTES_MAX.to_string()).start();
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(BODY_BYTES_MAX));
    let response = server.deliver(&providers.alpaca("trade", large.clone()));
    assert_eq!(response.status, 413, "{response:?}");
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
    assert_eq!(super::event_count(&server), 0);
}

#[test]
fn a_compressed_body_is_rejected() {
    let providers = Providers::new();
    let server = providers.options().start();
    let body = AlpacaAccount::named("gzip").status(now(), "APPROVED", "ACTIVE");
    let request = providers.alpaca("account", body).with_added_header("content-encoding", "gzip");
    let response = server.deliver(&request);
    assert!(matches!(response.status, 400 | 415), "{response:?}");
    assert_eq!(super::event_count(&server), 0);
}

#[test]
fn a_provider_without_a_secret_is_unavailable() {
    let providers = Providers::new();
    let options = providers.options();
    let options =
        options.unset("ALPACA_WEBHOOK_SECRET").unset("BRIDGE_WEBHOOK_SECRET").unset("CIRCLE_API_KEY");
    let server = options.start();
    for request in [providers.alpaca("trade", "{}"), providers.bridge("{}"), providers.circle("{}")] {
        let response = server.deliver(&request);
        assert_eq!(response.status, 503, "{}: {response:?}", request.path);
        assert!(response.header("retry-after").is_some(), "{response:?}");
        let _ = response.problem();
    }
    assert_eq!(super::event_count(&server), 0);
}
