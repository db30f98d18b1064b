//! Sends many signed requests over several connections, to one server or to several in turn.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;

use crate::providers::SignedRequest;

const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);
/// Before rejected requests are sent again.
const RETRY_INTERVAL: Duration = Duration::from_millis(100);
/// Until everything is acknowledged: well within the five minutes for which a signature is fresh.
const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// `None` when no response came.
    pub status: Option<u16>,
    pub retry_after: Option<String>,
    pub body: String,
}

impl Outcome {
    pub fn is_acknowledged(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// `stored` or `duplicate`; empty when it was rejected.
    pub fn receipt_status(&self) -> String {
        self.member("status")
    }

    /// The id of its event; empty when it was rejected.
    pub fn id(&self) -> String {
        self.member("id")
    }

    fn member(&self, name: &str) -> String {
        let receipt: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        let member = self.is_acknowledged().then(|| receipt[name].as_str()).flatten();
        member.unwrap_or_default().to_owned()
    }
}

/// Sends each request once, to the servers in turn. Returns the outcomes in the order of the requests.
pub fn send_all(servers: &[SocketAddr], requests: &[SignedRequest], connections: usize) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(send_all_async(servers, requests, connections))
}

/// Like [`send_all`], but sends again what got a 503 or no response, as providers do, until every request is acknowledged.
pub fn send_until_acknowledged(
    servers: &[SocketAddr],
    requests: &[SignedRequest],
    connections: usize,
) -> Vec<Outcome> {
    let deadline = Instant::now() + ACKNOWLEDGE_TIMEOUT;
    let mut all = send_all(servers, requests, connections);
    loop {
        let is_retryable = |outcome: &Outcome| matches!(outcome.status, None | Some(503));
        let left: Vec<usize> = (0..all.len()).filter(|number| is_retryable(&all[*number])).collect();
        if left.is_empty() {
            let rejected = all.iter().find(|outcome| !outcome.is_acknowledged());
            assert!(rejected.is_none(), "{rejected:?}");
            return all;
        }
        assert!(Instant::now() < deadline, "{} are still rejected: {:?}", left.len(), all[left[0]]);
        std::thread::sleep(RETRY_INTERVAL);
        let retries: Vec<SignedRequest> = left.iter().map(|number| requests[*number].clone()).collect();
        for (number, outcome) in left.into_iter().zip(send_all(servers, &retries, connections)) {
            all[number] = outcome;
        }
    }
}

/// Like [`send_all`], for async tests.
pub async fn send_all_async(
    servers: &[SocketAddr],
    requests: &[SignedRequest],
    connections: usize,
) -> Vec<Outcome> {
    let client = Client::builder()
        .no_proxy()
        .timeout(RESPONSE_TIMEOUT)
        .pool_max_idle_per_host(connections)
        .build()
        .expect("a client without TLS options can be built");
    let (servers, requests) = (Arc::new(servers.to_vec()), Arc::new(requests.to_vec()));
    let next = Arc::new(AtomicUsize::new(0));
    let mut senders = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (client, next) = (client.clone(), Arc::clone(&next));
        let (servers, requests) = (Arc::clone(&servers), Arc::clone(&requests));
        senders.spawn(async move {
            let mut outcomes = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(request) = requests.get(number) else { return outcomes };
                let server = servers[number % servers.len()];
                outcomes.push((number, send_once(&client, server, request).await));
            }
        });
    }
    let mut all = vec![Outcome::default(); requests.len()];
    while let Some(outcomes) = senders.join_next().await {
        for (number, outcome) in outcomes.expect("a sender does not panic") {
            all[number] = outcome;
        }
    }
    all
}

async fn send_once(client: &Client, server: SocketAddr, request: &SignedRequest) -> Outcome {
    let mut builder = client.post(format!("http://{server}{}", request.path)).body(request.body.clone());
    for (name, value) in &request.headers {
        builder = builder.header(name, value);
    }
    let Ok(response) = builder.send().await else { return Outcome::default() };
    let status = Some(response.status().as_u16());
    let retry_after = response
        .headers()
        .get("retry-after")
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    // A truncated response acknowledges nothing.
    response.text().await.map_or_else(|_| Outcome::default(), |body| Outcome { status, retry_after, body })
}
