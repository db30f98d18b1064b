//! Deliveries, from the request to the store.

use std::convert::Infallible;

use futures_util::stream;

use super::*;

/// The vector of Bridge's own page on signatures (apidocs.bridge.xyz), signed on 2024-01-21.
pub(super) const BRIDGE_KEY: &str = "-----BEGIN PUBLIC KEY-----\\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtqsEE4eI7EmzhcquGJXt\\nLX9PMK0UH6Kl1WIR21sv8HtueG8BuvvpP3MiN7ltzmIhS8KaynCjN4l+620PnXeu\\nxWG+CSnEdkinL9hCqbEid5vv9zl0j9LWiJx3FkKHqADU7cgm46aa8dKUdIQYF2X+\\nO7WmyLkC4wUM/mWhBPMsIQBznashRMZxx7XJjsVp27ACUE4eNIjEXbVYN6U8jSbU\\nhG++CfL8xXu+GHDqKmFE6Po6HnuURvLFVnCtE3mXXBcVFlPy+octfx8nOMLT3X8O\\n9UehIigJ34o2yMm/Fq3HUJzg2BsiAiGgtr0vmeoV9Q7upSNj9TuOumAzZFi4pYA+\\nqwIDAQAB\\n-----END PUBLIC KEY-----";
const BRIDGE_SIGNATURE: &str = "t=1705854411204,v0=jz/0dmHJ63FAzacGutrDTEoq+iSz/PHm/ugdooXDQu5NwuVIT2LmZGjsnCsBHgR9Py6OBP9zurzW4dHgygU4EDqmMPTUOvhvndYb4lWt+TY66LihaFI2whL6DAf/jb1QjYjNU0A6x9SLzC45dgE6X7zTDUM+2Z+scG/WEQf6SxQMt4E2sEipl5PqMK5lYUe3otdJV+X2c9D64bGwCEE7QSia+Vhozg8QNOQEk/rdz2IEONIg6oC43CeiN4E2kF9XLAGuy9uAHx9O9OJH5ZPLJZjyo4VcXYeWQgxaQ1gZ1Qu6hEEzgiPSff/1nou58dm4bIIazgCWli/mO0NyGcpfFw==";

const BODY: &str = r#"{"message":"Hello World!"}"#;

const ALPACA_SECRET: &str = "a secret of some length";

fn bridge(body: &str, signature: Option<&str>) -> Request<Body> {
    let request = Request::post("/api/v1/webhooks/bridge").header("content-type", "application/json");
    let request = match signature {
        Some(signature) => request.header("x-webhook-signature", signature),
        None => request,
    };
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn at(second: i64, secrets: &[(&str, &str)]) -> (tempfile::TempDir, Router) {
    let directory = tempfile::tempdir().unwrap();
    let mut parts = parts_in(directory.path(), secrets).await;
    let clock = Clock::Fixed(jiff::Timestamp::from_second(second).unwrap());
    parts.webhooks = Arc::new(WebhookState::new(Arc::clone(&parts.webhooks.intake), clock, 50));
    (directory, all(parts))
}

fn reason(response: &TestResponse) -> String {
    let problem = response.problem.as_ref().unwrap();
    let document = serde_json::to_value(problem.document("/", "r")).unwrap();
    document["reason"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn errors_of_a_delivery_are_reported_in_the_order_of_the_checks() {
    let (_directory, router) = at(1_705_854_412, &[("BRIDGE_WEBHOOK_SECRET", BRIDGE_KEY)]).await;
    for (body, signature, status, expected) in [
        (BODY, None, 401, "missing"),
        (BODY, Some("v0=x"), 400, "malformed"),
        (r#"{"message":"Hello World?"}"#, Some(BRIDGE_SIGNATURE), 401, "signature"),
    ] {
        let response = send(&router, bridge(body, signature)).await;
        assert_eq!((response.status.as_u16(), &*reason(&response)), (status, expected), "{signature:?}");
    }
    // Nothing of the refused deliveries was stored: the valid one is the first.
    for expected in ["stored", "duplicate"] {
        let response = send(&router, bridge(BODY, Some(BRIDGE_SIGNATURE))).await;
        assert_eq!((response.status.as_u16(), &response.json()["status"]), (200, &Value::from(expected)));
        assert_eq!(response.json()["id"], "1");
    }
    let (_directory, late) = at(1_705_854_411 + 601, &[("BRIDGE_WEBHOOK_SECRET", BRIDGE_KEY)]).await;
    let response = send(&late, bridge(BODY, Some(BRIDGE_SIGNATURE))).await;
    assert_eq!((response.status.as_u16(), &*reason(&response)), (400, "stale"));
}

#[tokio::test]
async fn deliveries_without_a_configured_key_get_503_and_are_never_accepted() {
    let (_directory, router) = at(1_705_854_412, &[]).await;
    for path in ["/api/v1/webhooks/alpaca/trade", "/api/v1/webhooks/bridge", "/api/v1/webhooks/circle"] {
        let request = Request::post(path)
            .header("alpaca-signature", "t=1705854412,v1=00")
            .header("x-circle-key-id", "879dc113-5ca4-4ff7-a6b7-54652083fcf8")
            .header("x-circle-signature", "MEQCIBlJPX7t");
        let response = send(&router, request.body(Body::from(BODY)).unwrap()).await;
        assert_eq!((response.status.as_u16(), response.code()), (503, Some("key_unavailable")), "{path}");
        assert!(!response.header(header::RETRY_AFTER).is_empty());
    }
    let head = Request::head("/api/v1/webhooks/circle").body(Body::empty()).unwrap();
    assert_eq!(send(&router, head).await.status, 200);
    let unknown = Request::post("/api/v1/webhooks/alpaca/x").body(Body::empty()).unwrap();
    assert_eq!(send(&router, unknown).await.status, 404);
}

#[tokio::test]
async fn a_body_that_is_too_large_or_compressed_is_refused_before_its_signature_is_checked() {
    let (_directory, router) = at(1_705_854_412, &[("ALPACA_WEBHOOK_SECRET", ALPACA_SECRET)]).await;
    let post = || Request::post("/api/v1/webhooks/alpaca/trade");
    let large = "x".repeat(1_000_001);
    let chunks: Vec<_> = large.as_bytes().chunks(9_000).map(<[u8]>::to_vec).collect();
    let chunked = Body::from_stream(stream::iter(chunks.into_iter().map(Ok::<_, Infallible>)));
    for body in [Body::from(large.clone()), chunked] {
        let response = send(&router, post().body(body).unwrap()).await;
        assert_eq!(response.code(), Some("payload_too_large"));
    }
    let packed = post().header("content-encoding", "gzip").body(Body::from("x")).unwrap();
    assert_eq!(send(&router, packed).await.code(), Some("unsupported_media_type"));
}
