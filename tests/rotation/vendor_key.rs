//! The vendor's API key, replaced while requests need the vendor.

use std::time::Duration;

use tests::polygon::{FakePolygon, Route};
use tests::secrets_manager::{FakeSecretsManager, Operation};
use tests::{Server, ServerOptions};
use tokio::task::JoinSet;

use crate::fixture::{fake, id, metric, options, until};

const NAME: &str = "polygon_api_key";
const OLD: &str = "vendor-Hn8vTx3qWm6zLr2pKc9yBs5dJg";
const NEW: &str = "vendor-Jp4wRk7nXt9vMq1zGc6yLs8bHd";
const CALLS_OK: &str =
    "investiq_secret_upstream_calls_total{operation=\"BatchGetSecretValue\",outcome=\"ok\"}";

/// Another symbol for each number: an uncached symbol needs the vendor.
fn symbol(number: usize) -> String {
    let letter =
        |directory: u32| char::from(b'A' + u8::try_from(number / 26_usize.pow(directory) % 26).unwrap());
    [letter(2), letter(1), letter(0)].iter().collect()
}

fn setup() -> (FakeSecretsManager, FakePolygon, ServerOptions) {
    let (fake, vendor) = (fake(), FakePolygon::start());
    fake.seed(&id(NAME), OLD);
    vendor.know_all();
    vendor.accept_keys(&[OLD]);
    let options = options(&fake).set("POLYGON_BASE_URL", vendor.base_url());
    (fake, vendor, options)
}

fn get_bars(server: &Server, number: usize) -> u16 {
    tokio::task::block_in_place(|| server.get(&format!("/api/bars/{}?days=30", symbol(number)), &[]).status)
}

/// Waits for the health check of the vendor at the start.
async fn wait_for_health_check(server: &Server) {
    let vendor =
        || tokio::task::block_in_place(|| server.get("/health", &[]).json()["checks"]["polygon"].take());
    until("the vendor is up", || vendor()["status"] == "ok").await;
}

fn calls_with(vendor: &FakePolygon, key: &str) -> usize {
    let bearer = format!("Bearer {key}");
    let heads = vendor.heads();
    heads
        .iter()
        .filter(|head| head.headers.get("authorization").is_some_and(|value| *value == bearer))
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_takes_effect_without_a_restart_and_without_a_failed_request() {
    let (fake, vendor, options) = setup();
    let server = options.start();
    let mut number = 0;
    let mut next = || {
        number += 1;
        assert_eq!(get_bars(&server, number), 200, "request {number}; log:\n{}", server.log());
    };
    (0..5).for_each(|_| next());
    assert!(calls_with(&vendor, OLD) > 0);
    // The vendor accepts both for a while, as vendors with two keys do.
    vendor.accept_keys(&[OLD, NEW]);
    fake.seed(&id(NAME), NEW);
    until("the new key is used", || {
        next();
        calls_with(&vendor, NEW) > 0
    })
    .await;
    vendor.accept_keys(&[NEW]);
    let before = calls_with(&vendor, OLD);
    (0..20).for_each(|_| next());
    assert_eq!(calls_with(&vendor, OLD), before, "the old key is no longer sent");
    eprintln!("vendor key replaced: {number} requests, 0 failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_rejections_at_once_cause_one_refresh() {
    for readers in [1, 10, 100] {
        let (fake, vendor, options) = setup();
        let server = options.set("SECRET_TTL_SECS", "300").start();
        // The secrets in use and the announcements fit in one batch of twenty.
        assert_eq!((fake.calls(Operation::BatchGetSecretValue), fake.calls_total()), (1, 1), "a cold start");
        wait_for_health_check(&server).await;
        fake.seed(&id(NAME), NEW);
        vendor.accept_keys(&[NEW]);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut requests = JoinSet::new();
        for number in 0..readers {
            let url = server.url(&format!("/api/bars/{}?days=30", symbol(number)));
            requests.spawn(client.get(url).send());
        }
        let responses = requests.join_all().await;
        let is_error = |response: &reqwest::Response| response.status().as_u16() != 200;
        assert!(responses.iter().any(|response| response.as_ref().is_ok_and(is_error)));
        until("the secret is refreshed", || fake.calls_total() > 1).await;
        until("the server counts it", || metric(&server, CALLS_OK) > 1.0).await;
        // Any further refresh would have begun by now.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(fake.calls_total(), 2, "{readers} requests");
        assert_eq!(metric(&server, CALLS_OK), 2.0, "as the server counts them");
        assert_eq!(get_bars(&server, readers), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_vendor_rejects_is_refreshed_at_once_but_not_repeatedly() {
    let (fake, vendor, options) = setup();
    // No refresh for five minutes unless there is a reason.
    let server = options.set("SECRET_TTL_SECS", "300").start();
    assert_eq!(get_bars(&server, 0), 200);
    wait_for_health_check(&server).await;
    let calls = fake.calls_total();
    fake.seed(&id(NAME), NEW);
    vendor.accept_keys(&[NEW]);
    assert_ne!(get_bars(&server, 1), 200, "the server still has the old key");
    let mut number = 1;
    until("the new key is used", || {
        number += 1;
        get_bars(&server, number) == 200
    })
    .await;
    assert!(fake.calls_total() - calls <= 3, "{} calls", fake.calls_total() - calls);
    assert!(vendor.calls(Route::Bars) >= 3);
}
