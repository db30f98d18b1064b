//! Many signed requests at once, over a number of connections, to one server or to several in turns.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Client;

use crate::providers::SignedRequest;

/// Longest wait for one answer.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// Pause before what was refused for now is sent again.
const RESEND_PAUSE: Duration = Duration::from_millis(100);
/// Longest wait until everything is acknowledged: well within the five minutes for which a signature is fresh.
const ACKNOWLEDGED_WAIT: Duration = Duration::from_secs(120);

/// What came of one request.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Its status; `None` when no answer came.
    pub status: Option<u16>,
    /// The `Retry-After` of the answer.
    pub retry_after: Option<String>,
    /// The answer's body.
    pub body: String,
}

impl Outcome {
    /// Whether the server has taken responsibility for it.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// `stored` or `duplicate`; empty when it was refused.
    #[must_use]
    pub fn standing(&self) -> String {
        self.member("status")
    }

    /// The id under which it is kept; empty when it was refused.
    #[must_use]
    pub fn id(&self) -> String {
        self.member("id")
    }

    fn member(&self, name: &str) -> String {
        let answer: serde_json::Value = serde_json::from_str(&self.body).unwrap_or_default();
        let acknowledged = self.is_acknowledged().then(|| answer[name].as_str()).flatten();
        acknowledged.unwrap_or_default().to_owned()
    }
}

/// Sends each request once, request number n to server number n modulo their count; the outcomes in the order of the
/// requests.
#[must_use]
pub fn volley(servers: &[SocketAddr], requests: &[SignedRequest], connections: usize) -> Vec<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(send(servers, requests, connections))
}

/// Like [`volley`], and as a provider does: sends again what was refused for now or got no answer, until a server has
/// taken responsibility for each.
///
/// # Panics
/// When one is refused for good, or still refused after a while.
#[must_use]
pub fn volley_until_acknowledged(
    servers: &[SocketAddr],
    requests: &[SignedRequest],
    connections: usize,
) -> Vec<Outcome> {
    let deadline = Instant::now() + ACKNOWLEDGED_WAIT;
    let mut all = volley(servers, requests, connections);
    loop {
        let is_open = |outcome: &Outcome| matches!(outcome.status, None | Some(503));
        let left: Vec<usize> = (0..all.len()).filter(|number| is_open(&all[*number])).collect();
        if left.is_empty() {
            let refused = all.iter().find(|outcome| !outcome.is_acknowledged());
            assert!(refused.is_none(), "{refused:?}");
            return all;
        }
        assert!(Instant::now() < deadline, "{} are still refused: {:?}", left.len(), all[left[0]]);
        std::thread::sleep(RESEND_PAUSE);
        let again: Vec<SignedRequest> = left.iter().map(|number| requests[*number].clone()).collect();
        for (number, outcome) in left.into_iter().zip(volley(servers, &again, connections)) {
            all[number] = outcome;
        }
    }
}

/// Like [`volley`], for tests that are asynchronous themselves.
///
/// # Panics
/// When a task of it does.
pub async fn send(servers: &[SocketAddr], requests: &[SignedRequest], connections: usize) -> Vec<Outcome> {
    let client = Client::builder()
        .no_proxy()
        .timeout(ANSWER_WAIT)
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
                outcomes.push((number, once(&client, server, request).await));
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

async fn once(client: &Client, server: SocketAddr, request: &SignedRequest) -> Outcome {
    let mut sent = client.post(format!("http://{server}{}", request.path)).body(request.body.clone());
    for (name, value) in &request.headers {
        sent = sent.header(name, value);
    }
    let Ok(answer) = sent.send().await else { return Outcome::default() };
    let status = Some(answer.status().as_u16());
    let retry_after = answer
        .headers()
        .get("retry-after")
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    // An answer that breaks off acknowledges nothing.
    answer.text().await.map_or_else(|_| Outcome::default(), |body| Outcome { status, retry_after, body })
}
