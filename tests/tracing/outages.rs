//! A collector that is away, slow or fails: requests do not notice, and what is lost is counted.

use std::time::{Duration, Instant};

use tests::collector::{Behaviour, FakeCollector};
use tests::{Server, ServerOptions};
use tokio::task::JoinSet;

const REQUESTS: usize = 3400;
const CONNECTIONS: usize = 8;
/// Far above what a request takes on a busy machine, and below any wait for a collector.
const P99_MAX: Duration = Duration::from_millis(500);

/// The 99th percentile of the times of many requests.
fn p99(server: &Server) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut times: Vec<Duration> = runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut senders = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (client, url) = (client.clone(), server.url("/api/symbols/AAPL"));
            senders.spawn(async move {
                let mut times = Vec::new();
                for _ in 0..REQUESTS / CONNECTIONS {
                    let started = Instant::now();
                    let response = client.get(&url).send().await.unwrap();
                    assert_eq!(response.status().as_u16(), 200);
                    drop(response.bytes().await.unwrap());
                    times.push(started.elapsed());
                }
                times
            });
        }
        senders.join_all().await.concat()
    });
    times.sort();
    times[times.len() * 99 / 100]
}

#[test]
fn a_collector_that_fails_delays_no_request_and_what_is_lost_is_counted() {
    let servers = [Behaviour::Status(500), Behaviour::Status(503), Behaviour::Slow(Duration::from_secs(60))];
    let collectors = servers.map(FakeCollector::start);
    let urls = collectors.iter().map(FakeCollector::url);
    // Nothing listens there.
    for url in urls.chain(["http://127.0.0.1:1".to_owned()]) {
        let mut server = ServerOptions::new()
            .set("OTEL_EXPORTER_OTLP_ENDPOINT", &*url)
            .set("OTEL_TRACES_SAMPLER", "always_on")
            .set("RATE_LIMIT_PER_MINUTE", "1000000000")
            .start();
        let p99 = p99(&server);
        assert!(p99 < P99_MAX, "{p99:?} with {url}");
        let spans =
            |outcome: &str| server.metric(&format!("trace_spans_total{{outcome=\"{outcome}\"}}")).unwrap();
        assert_eq!(spans("exported"), 0.0);
        // A collector that answers with 500 at once loses nothing to the queue.
        let lost = spans("dropped") + spans("failed");
        assert!(lost >= 500.0, "{lost} of {REQUESTS} are lost with {url}");
        server.signal("TERM");
        let ended = server.wait_at_most(Duration::from_secs(10));
        assert!(ended.is_some_and(|status| status.success()), "{ended:?} with {url}: {}", server.log());
        let warnings = server.log().matches("exporting traces failed").count();
        assert!(warnings <= 1, "{warnings} warnings with {url}");
    }
}
