//! Clients of the three routes that compute most, beside probes and deliveries.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::events::AlpacaAccount;
use tests::providers::{Providers, SignedRequest, VIEWER_KEY, now};

use crate::honest_clients::{Outcome, exchange, get, runtime, send_until};

const CLIENTS: usize = 32;
pub(crate) const ROUTES: [&str; 3] = ["indicators", "bars", "analysis of posted bars"];
const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
const DELIVERY_INTERVAL: Duration = Duration::from_millis(20);
/// About 5 MB, 900 KB, and a body of 1.8 MB.
const INDICATORS: &str = "/api/indicators/AAPL?days=20000&names=macd,bbands,stoch,adx,plus_di,minus_di,rsi:14,rsi:15,rsi:16,rsi:17,rsi:18,rsi:19,sma:20,sma:21,sma:22,sma:23,sma:24";
const BARS: &str = "/api/bars/AAPL?days=20000";
const BARS_POSTED: usize = 16_000;

#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// Heavy requests with their response, of each route.
    pub(crate) heavy: [usize; ROUTES.len()],
    pub(crate) failed: usize,
    pub(crate) failed_probes: usize,
    pub(crate) failed_deliveries: usize,
    pub(crate) probes: Vec<Duration>,
    pub(crate) deliveries: Vec<Duration>,
}

/// With clients of these of the [`ROUTES`].
pub(crate) fn run(program: &Path, duration: Duration, routes: &[usize]) -> Report {
    let providers = Providers::new();
    let server = providers.options().program(program).start();
    let count = duration.as_millis() / DELIVERY_INTERVAL.as_millis();
    let deliveries: Vec<SignedRequest> =
        (0..count).map(|at| providers.alpaca("account", status(&format!("flood-{at}")))).collect();
    let requests = heavy_requests();
    let (address, deadline) = (server.address(), Instant::now() + duration);
    let ((heavy, failed), probes, deliveries) = runtime().block_on(async {
        let heavy: Vec<_> = (0..CLIENTS)
            .map(|at| routes[at % routes.len()])
            .map(|route| (route, tokio::spawn(repeat(deadline, address, requests[route].clone()))))
            .collect();
        let probes = tokio::spawn(send_until(deadline, address, LOOPBACK, get("/livez", "")));
        let deliveries = tokio::spawn(deliver(deadline, address, deliveries));
        let (mut counts, mut failed) = ([0; ROUTES.len()], 0);
        for (route, client) in heavy {
            let outcome = client.await.unwrap();
            counts[route] += outcome.durations.len();
            failed += outcome.failed;
        }
        ((counts, failed), probes.await.unwrap(), deliveries.await.unwrap())
    });
    Report {
        heavy,
        failed,
        failed_probes: probes.failed,
        failed_deliveries: deliveries.failed,
        probes: probes.durations,
        deliveries: deliveries.durations,
    }
}

fn status(name: &str) -> String {
    AlpacaAccount::named(name).status(now(), "SUBMITTED", "ACTIVE")
}

fn heavy_requests() -> [String; ROUTES.len()] {
    let key = format!("X-API-Key: {VIEWER_KEY}\r\n");
    [get(INDICATORS, &key), get(BARS, &key), post("/api/analyze", &key, &bars().to_string())]
}

fn bars() -> Value {
    let first = jiff::civil::date(1960, 1, 1);
    let bars: Vec<Value> = (0..BARS_POSTED)
        .map(|at| {
            let date = first.checked_add(jiff::Span::new().days(i64::try_from(at).unwrap())).unwrap();
            let close = 100.0 + f64::from(u32::try_from(at * 7919 % 1000).unwrap()) / 100.0;
            json!({"date": date, "open": close, "high": close + 1.0, "low": close - 1.0, "close": close, "volume": 1000})
        })
        .collect();
    json!({"symbol": "OWN", "bars": bars})
}

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// Sends the request again as soon as it has its response.
async fn repeat(deadline: Instant, server: SocketAddr, request: String) -> Outcome {
    let mut outcome = Outcome::default();
    while Instant::now() < deadline {
        let started = Instant::now();
        match exchange(server, LOOPBACK, request.as_bytes()).await {
            Ok(response) if response.starts_with(b"HTTP/1.1 200") => {
                outcome.durations.push(started.elapsed());
            }
            Ok(_) | Err(_) => outcome.failed += 1,
        }
    }
    outcome
}

async fn deliver(deadline: Instant, server: SocketAddr, deliveries: Vec<SignedRequest>) -> Outcome {
    let mut outcome = Outcome::default();
    for SignedRequest { path, headers, body } in deliveries {
        if Instant::now() >= deadline {
            break;
        }
        let others = headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        let headers: String = others.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = post(&path, &headers, &String::from_utf8(body).unwrap());
        let started = Instant::now();
        match exchange(server, LOOPBACK, request.as_bytes()).await {
            Ok(response) if response.starts_with(b"HTTP/1.1 20") => {
                outcome.durations.push(started.elapsed());
            }
            Ok(_) | Err(_) => outcome.failed += 1,
        }
        tokio::time::sleep(DELIVERY_INTERVAL).await;
    }
    outcome
}
