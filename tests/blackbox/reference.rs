//! The OpenAPI document: complete, correct, and rendered in a browser.

use std::process::Command;

use tests::circle::FakeCircle;
use tests::{ServerOptions, workspace_root};

#[test]
fn the_document_is_openapi_3_1_and_needs_no_key() {
    let server = ServerOptions::new().set("API_KEYS", "reference-test-Kq5wNx8vZm3tRb7pLc9yHs2dJg").start();
    let description = server.get("/openapi.json", &[]);
    assert_eq!(description.status, 200);
    let description = description.json();
    assert!(
        description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")),
        "{}",
        description["openapi"]
    );
    let paths = description["paths"].as_object().unwrap();
    for path in [
        "/api/analyze/{symbol}",
        "/api/analyze",
        "/api/bars/{symbol}",
        "/api/indicators/{symbol}",
        "/api/symbols",
        "/health",
        "/livez",
        "/readyz",
        "/metrics",
        "/metrics/json",
        "/openapi.json",
        "/docs",
    ] {
        assert!(paths.contains_key(path), "{path}");
    }
    assert_eq!(
        server.get("/api-docs/openapi.json", &[]).json(),
        description,
        "the path that older clients know"
    );
}

/// The rendered page and the browser's log. A browser that ends without a page has crashed and is started once more.
fn rendered(url: &str) -> (String, String) {
    let (page, log) = browse(url);
    if page.is_empty() { browse(url) } else { (page, log) }
}

fn browse(url: &str) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--disable-dev-shm-usage"])
        .args(["--enable-logging=stderr", "--v=0", "--virtual-time-budget=8000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .output()
        .expect("chromium starts: `tests/run` installs it");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_reference_page_opens_in_a_browser_under_its_policy() {
    let server = ServerOptions::new().start();
    let page = server.get("/docs", &[]);
    assert!(page.status == 200 || page.status == 303 || page.status == 308, "{page:?}");
    let (dom, log) = rendered(&server.url("/docs"));
    for text in ["/api/analyze/", "/api/symbols", "InvestIQ"] {
        assert!(dom.contains(text), "{text} is rendered; the page:\n{dom}\n{log}");
    }
    assert!(!log.contains("Content Security Policy"), "the page complies with its own policy: {log}");
    for line in server.log().lines().filter(|line| line.contains("\"status\":404")) {
        assert!(line.contains("favicon"), "every asset is embedded: {line}");
    }
}

/// The public key on Bridge's page about signatures (apidocs.bridge.xyz).
const BRIDGE_KEY: &str = "-----BEGIN PUBLIC KEY-----\\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtqsEE4eI7EmzhcquGJXt\\nLX9PMK0UH6Kl1WIR21sv8HtueG8BuvvpP3MiN7ltzmIhS8KaynCjN4l+620PnXeu\\nxWG+CSnEdkinL9hCqbEid5vv9zl0j9LWiJx3FkKHqADU7cgm46aa8dKUdIQYF2X+\\nO7WmyLkC4wUM/mWhBPMsIQBznashRMZxx7XJjsVp27ACUE4eNIjEXbVYN6U8jSbU\\nhG++CfL8xXu+GHDqKmFE6Po6HnuURvLFVnCtE3mXXBcVFlPy+octfx8nOMLT3X8O\\n9UehIigJ34o2yMm/Fq3HUJzg2BsiAiGgtr0vmeoV9Q7upSNj9TuOumAzZFi4pYA+\\nqwIDAQAB\\n-----END PUBLIC KEY-----";

#[test]
fn a_fuzzer_driven_by_the_openapi_document_finds_nothing() {
    const KEY: &str = "fuzz-test-Wd6kRx9vPm4zTq8nLc3yHs7bJg";
    let circle = FakeCircle::start();
    let server = ServerOptions::new()
        .set("API_KEYS", format!("{KEY}:admin"))
        .set("RATE_LIMIT_PER_MINUTE", "1000000000")
        .set("AUTH_FAILURES_PER_MINUTE", "10000")
        // A provider without a secret responds with 503, and a 5xx fails this test.
        .set("ALPACA_WEBHOOK_SECRET", KEY)
        .set("BRIDGE_WEBHOOK_SECRET", BRIDGE_KEY)
        .set("CIRCLE_API_KEY", "fuzz-test-Rm4zTq8nLc3yHs7bJgWd6kRx9vP")
        .set("CIRCLE_BASE_URL", circle.base_url())
        .start();
    let program = workspace_root().join("target/venv/bin/schemathesis");
    let report = tempfile::tempdir().unwrap();
    let output = Command::new(&program)
        .current_dir(report.path())
        .env("FUZZ_KEY", KEY)
        .arg("--config-file")
        .arg(workspace_root().join("tests/schemathesis.toml"))
        .args(["run", &server.url("/openapi.json")])
        .args(["--phases", "examples,coverage,fuzzing,stateful"])
        .args(["--max-examples", "40", "--seed", "1", "--workers", "1", "--no-color"])
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}: `tests/run` installs it", program.display()));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(!text.contains("no tests"), "{text}");
    let metrics = server.get("/metrics", &[("x-api-key", KEY)]).body;
    let failures: Vec<&str> = metrics
        .lines()
        .filter(|line| {
            line.starts_with("investiq_http_requests_total")
                && line.contains("status=\"5")
                // The limit on keys that are fetched: tests/schemathesis.toml.
                && !line.contains("/webhooks/circle\"")
                && !line.ends_with(" 0")
        })
        .collect();
    assert_eq!(failures, Vec::<&str>::new());
}
