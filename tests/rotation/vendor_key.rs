//! The vendor's key, replaced while requests need the vendor.

use std::time::Duration;

use tests::polygon::{FakePolygon, Route};
use tests::secrets_manager::{FakeSecretsManager, Operation};
use tests::{Server, ServerOptions};
use tokio::task::JoinSet;

use crate::stage::{fake, id, metric, options, until};

const NAME: &str = "polygon_api_key";
const OLD: &str = "vendor-Hn8vTx3qWm6zLr2pKc9yBs5dJg";
const NEW: &str = "vendor-Jp4wRk7nXt9vMq1zGc6yLs8bHd";
const CALLS_OK: &str =
    "investiq_secret_upstream_calls_total{operation=\"BatchGetSecretValue\",outcome=\"ok\"}";

/// A symbol that was never asked for needs the vendor.
fn symbol(number: usize) -> String {
    let letter = |place: u32| char::from(b'A' + u8::try_from(number / 26_usize.pow(place) % 26).unwrap());
    [letter(2), letter(1), letter(0)].iter().collect()
}

fn house() -> (FakeSecretsManager, FakePolygon, ServerOptions) {
    let (fake, vendor) = (fake(), FakePolygon::start());
    fake.seed(&id(NAME), OLD);
    vendor.know_all();
    vendor.accept_keys(&[OLD]);
    let options = options(&fake).set("POLYGON_BASE_URL", vendor.base_url());
    (fake, vendor, options)
}

fn ask(server: &Server, number: usize) -> u16 {
    tokio::task::block_in_place(|| server.get(&format!("/api/bars/{}?days=30", symbol(number)), &[]).status)
}

/// Waits until the server has asked the vendor of its own accord, as it does when it starts.
async fn checked(server: &Server) {
    let vendor =
        || tokio::task::block_in_place(|| server.get("/health", &[]).json()["checks"]["polygon"].take());
    until("the vendor is up", || vendor()["status"] == "ok").await;
}

fn calls_with(vendor: &FakePolygon, key: &str) -> usize {
    let bearer = format!("Bearer {key}");
    let heads = vendor.heads();
    heads.iter().filter(|head| head.headers.get("authorization").is_some_and(|sent| *sent == bearer)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_key_takes_effect_without_a_restart_and_without_a_failed_request() {
    let (fake, vendor, options) = house();
    let server = options.start();
    let mut number = 0;
    let mut next = || {
        number += 1;
        assert_eq!(ask(&server, number), 200, "request {number}; log:\n{}", server.log());
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
    assert_eq!(calls_with(&vendor, OLD), before, "the old key is not sent any more");
    eprintln!("vendor key replaced: {number} requests, 0 failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_requests_are_refused_at_once_the_place_is_asked_once() {
    for readers in [1, 10, 100] {
        let (fake, vendor, options) = house();
        let server = options.set("SECRET_TTL_SECS", "300").start();
        // The names in use and the announcements are one call of at most twenty.
        assert_eq!((fake.calls(Operation::BatchGetSecretValue), fake.calls_total()), (1, 1), "a cold start");
        checked(&server).await;
        fake.seed(&id(NAME), NEW);
        vendor.accept_keys(&[NEW]);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut requests = JoinSet::new();
        for number in 0..readers {
            let url = server.url(&format!("/api/bars/{}?days=30", symbol(number)));
            requests.spawn(client.get(url).send());
        }
        let answers = requests.join_all().await;
        let is_refused = |answer: &reqwest::Response| answer.status().as_u16() != 200;
        assert!(answers.iter().any(|answer| answer.as_ref().is_ok_and(is_refused)));
        until("the place is asked", || fake.calls_total() > 1).await;
        until("the server counts it", || metric(&server, CALLS_OK) > 1.0).await;
        // Whoever else was refused would have asked by now.
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(fake.calls_total(), 2, "{readers} requests");
        assert_eq!(metric(&server, CALLS_OK), 2.0, "as the server counts them");
        assert_eq!(ask(&server, readers), 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_vendor_refuses_is_looked_for_at_once_and_not_again_and_again() {
    let (fake, vendor, options) = house();
    // Nobody looks for five minutes unless there is a reason.
    let server = options.set("SECRET_TTL_SECS", "300").start();
    assert_eq!(ask(&server, 0), 200);
    checked(&server).await;
    let calls = fake.calls_total();
    fake.seed(&id(NAME), NEW);
    vendor.accept_keys(&[NEW]);
    let refused = ask(&server, 1);
    assert_ne!(refused, 200, "nobody told the server");
    let mut number = 1;
    until("the new key is used", || {
        number += 1;
        ask(&server, number) == 200
    })
    .await;
    assert!(fake.calls_total() - calls <= 3, "{} calls", fake.calls_total() - calls);
    assert!(vendor.calls(Route::Bars) >= 3);
}
