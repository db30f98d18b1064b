//! No value of a secret is in any log line at TRACE, metric or answer of a server that found it in AWS, lost sight of
//! it, found it again and rotated it.

use secrets::rotation::Distribution;
use tests::polygon::FakePolygon;
use tests::secrets_manager::Fault;

use crate::stage::{OVERLAP, begin, fake, given, id, options, reported, until};

const KEY: &str = "canary1-Zx7kQp2vWn9tLm4rBc8yHs3dJf6gTa:admin";
const NEXT_KEY: &str = "canary2-Bx7kQp2vWn9tLm4rBc8yHs3dJf6gTb:admin";
const BAD_LIST: &str = "canary3-Cx7kQp2vWn9tLm4rBc8yHs3dJf6gTc:root";
const VENDOR_KEY: &str = "canary4-Dx7kQp2vWn9tLm4rBc8yHs3dJf6gTd";
const AWS_KEY: &str = "canary5-Ex7kQp2vWn9tLm4rBc8yHs3dJf6gTe";
const AWS_TOKEN: &str = "canary6-Fx7kQp2vWn9tLm4rBc8yHs3dJf6gTf";

/// What must be nowhere: the middle of every value.
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
async fn values_are_in_no_log_line_no_metric_and_no_answer() {
    let (fake, vendor, place) = (fake(), FakePolygon::start(), tempfile::tempdir().unwrap());
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
    let mut answers = String::new();
    let mut ask = |path: &str, key: &str| {
        let answer = tokio::task::block_in_place(|| server.get(path, &[("x-api-key", bare(key))]));
        answers.push_str(&format!("{answer:?}\n"));
        answer.status
    };
    assert_eq!(ask("/api/bars/AAPL", KEY), 200);
    let mut rotation = begin(&fake, "api_keys", &place.path().join("plan"), OVERLAP).await;
    rotation.create(&given(NEXT_KEY)).await.unwrap();
    reported(&[&server], "api_keys", &rotation.status().to, "pending").await;
    rotation.finish(Distribution::Reported).await.unwrap();
    reported(&[&server], "api_keys", &rotation.status().to, "current").await;
    assert_eq!((ask("/api/symbols", KEY), ask("/api/symbols", NEXT_KEY)), (200, 200));
    for fault in [Fault::Garbage, Fault::CutBody, Fault::AccessDenied, Fault::DecryptionFailure] {
        fake.everywhere(&fault);
        let seen = fake.calls_total();
        until("it met the fault", || fake.calls_total() > seen).await;
    }
    until("it tried again", || server.log().contains("a search failed again")).await;
    fake.behave();
    fake.seed(&id("api_keys"), BAD_LIST);
    until("the bad list is refused", || server.log().contains("new API keys are refused")).await;
    for path in ["/metrics", "/health", "/readyz", "/openapi.json", "/nowhere", "/api/analyze/MSFT"] {
        ask(path, NEXT_KEY);
    }
    let log = server.whole_log();
    for canary in CANARIES {
        let line = log.lines().find(|line| line.contains(canary));
        assert_eq!(line, None);
        assert!(!answers.contains(canary), "{canary}");
    }
    // The log does say much, and of these secrets.
    let records = server.events().into_iter().filter(|event| event["target"] == "audit");
    let records: Vec<String> = records.map(|event| event["message"].as_str().unwrap().to_owned()).collect();
    for expected in ["a secret was found", "a secret changed", "a search failed", "a search failed again"] {
        assert!(records.iter().any(|message| message == expected), "{expected} is not among {records:?}");
    }
    assert!(log.contains("DEBUG") && log.contains(&rotation.status().to.to_string()));
}
