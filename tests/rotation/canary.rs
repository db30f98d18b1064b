//! No secret value is in any log line (at TRACE), metric or response of a server that finds it in AWS, loses the
//! connection, finds it again and rotates it.

use secrets::rotation::Distribution;
use tests::polygon::FakePolygon;
use tests::secrets_manager::Fault;

use crate::fixture::{OVERLAP, begin, fake, given, id, options, until, wait_until_reported};

const KEY: &str = "canary1-Zx7kQp2vWn9tLm4rBc8yHs3dJf6gTa:admin";
const NEXT_KEY: &str = "canary2-Bx7kQp2vWn9tLm4rBc8yHs3dJf6gTb:admin";
const BAD_LIST: &str = "canary3-Cx7kQp2vWn9tLm4rBc8yHs3dJf6gTc:root";
const VENDOR_KEY: &str = "canary4-Dx7kQp2vWn9tLm4rBc8yHs3dJf6gTd";
const AWS_KEY: &str = "canary5-Ex7kQp2vWn9tLm4rBc8yHs3dJf6gTe";
const AWS_TOKEN: &str = "canary6-Fx7kQp2vWn9tLm4rBc8yHs3dJf6gTf";

/// The middle of every value.
const CANARIES: [&str; 6] = [
    "Zx7kQp2vWn9tLm4rBc8yHs3dJf6gTa",
    "Bx7kQp2vWn9tLm4rBc8yHs3dJf6gTb",
    "Cx7kQp2vWn9tLm4rBc8yHs3dJf6gTc",
    "Dx7kQp2vWn9tLm4rBc8yHs3dJf6gTd",
    "Ex7kQp2vWn9tLm4rBc8yHs3dJf6gTe",
    "Fx7kQp2vWn9tLm4rBc8yHs3dJf6gTf",
];

fn bare(entry: &str) -> &str {
    entry.split(':').next().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_are_in_no_log_line_metric_or_response() {
    let (fake, vendor, directory) = (fake(), FakePolygon::start(), tempfile::tempdir().unwrap());
    fake.seed(&id("api_keys"), KEY);
    fake.seed(&id("polygon_api_key"), VENDOR_KEY);
    vendor.accept_keys(&[VENDOR_KEY]);
    let mut server = options(&fake)
        .set("AWS_SECRET_ACCESS_KEY", AWS_KEY)
        .set("AWS_SESSION_TOKEN", AWS_TOKEN)
        .set("POLYGON_BASE_URL", vendor.base_url())
        .set("RUST_LOG", "trace")
        .set("RUST_BACKTRACE", "full")
        .start();
    let mut responses = String::new();
    let mut get = |path: &str, key: &str| {
        let response = tokio::task::block_in_place(|| server.get(path, &[("x-api-key", bare(key))]));
        responses.push_str(&format!("{response:?}\n"));
        response.status
    };
    assert_eq!(get("/api/bars/AAPL", KEY), 200);
    let mut rotation = begin(&fake, "api_keys", &directory.path().join("plan"), OVERLAP).await;
    rotation.create(&given(NEXT_KEY)).await.unwrap();
    wait_until_reported(&[&server], "api_keys", &rotation.status().to, "pending").await;
    rotation.finish(Distribution::Reported).await.unwrap();
    wait_until_reported(&[&server], "api_keys", &rotation.status().to, "current").await;
    assert_eq!((get("/api/symbols", KEY), get("/api/symbols", NEXT_KEY)), (200, 200));
    for fault in [Fault::Garbage, Fault::CutBody, Fault::AccessDenied, Fault::DecryptionFailure] {
        fake.everywhere(&fault);
        let before = fake.calls_total();
        until("a call fails", || fake.calls_total() > before).await;
    }
    until("a retry fails", || server.log().contains("secret refresh failed again")).await;
    fake.clear_faults();
    fake.seed(&id("api_keys"), BAD_LIST);
    until("the invalid list is rejected", || server.log().contains("new API keys rejected")).await;
    for path in ["/metrics", "/health", "/readyz", "/openapi.json", "/nowhere", "/api/analyze/MSFT"] {
        get(path, NEXT_KEY);
    }
    let log = server.stop_and_read_log();
    for canary in CANARIES {
        let line = log.lines().find(|line| line.contains(canary));
        assert_eq!(line, None);
        assert!(!responses.contains(canary), "{canary}");
    }
    // The log does report on these secrets.
    let records = server.events().into_iter().filter(|event| event["target"] == "audit");
    let records: Vec<String> = records.map(|event| event["message"].as_str().unwrap().to_owned()).collect();
    for expected in
        ["secret resolved", "secret changed", "secret refresh failed", "secret refresh failed again"]
    {
        assert!(records.iter().any(|message| message == expected), "{expected} is not among {records:?}");
    }
    assert!(log.contains("DEBUG") && log.contains(&rotation.status().to.to_string()));
}
