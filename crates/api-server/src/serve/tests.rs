use axum::Router;
use axum::handler::HandlerWithoutStateExt as _;
use axum::routing::{get_service, post_service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::layers::Layers;

/// Time of the slow response: far above the shortest deadline here, even on a busy machine.
const SLOW: Duration = Duration::from_secs(2);
/// A timeout that no request here exceeds.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the server to close a connection.
const CLOSE_WAIT: Duration = Duration::from_secs(60);

/// A server over a few routes, with every layer but keys.
struct Running {
    address: SocketAddr,
    metrics: Arc<Metrics>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<Drained>,
}

fn connections() -> Connections {
    Connections {
        published_on_loopback: false,
        max: 10,
        per_address_max: 10,
        header_timeout: TIMEOUT,
        keep_alive_timeout: TIMEOUT,
        send_timeout: TIMEOUT,
        unready_for: Duration::ZERO,
        drain_timeout: TIMEOUT,
    }
}

async fn start(header_timeout: Duration, drain_timeout: Duration) -> Running {
    start_with(header_timeout, TIMEOUT, drain_timeout).await
}

async fn start_with(
    header_timeout: Duration,
    keep_alive_timeout: Duration,
    drain_timeout: Duration,
) -> Running {
    start_with_connections(Connections { header_timeout, keep_alive_timeout, drain_timeout, ..connections() })
        .await
}

async fn start_with_connections(config: Connections) -> Running {
    let metrics = Arc::new(
        Metrics::new(telemetry::metrics::Labels { routes: &[("GET", "/slow")], ..Default::default() })
            .unwrap(),
    );
    let layers = Layers::without_keys(Arc::clone(&metrics)).with_body_bytes_max(1000);
    let slow = || async { tokio::time::sleep(SLOW).await };
    let panics = async || -> &'static str { panic!("on purpose") };
    let routes = Router::new()
        .route("/fast", get_service(layers.protect((async || "fast").into_service())))
        .route("/slow", get_service(layers.protect(slow.into_service())))
        .route("/panic", get_service(layers.protect(panics.into_service())))
        .route("/echo", post_service(layers.protect((async |body: String| body).into_service())));
    let app = layers.observe(routes);
    let listener = bind("BIND_ADDRESS", ([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let stopped = async { drop(stopped.await) };
    let serving = serve(
        listener,
        app,
        config,
        TrustedProxies::default(),
        Arc::clone(&metrics),
        CancellationToken::new(),
        stopped,
    );
    Running { address, metrics, stop, serving: tokio::spawn(serving) }
}

impl Running {
    /// Sends a request and reads until the server closes the connection.
    async fn exchange(&self, request: &str) -> String {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        let read = socket.read_to_end(&mut response);
        tokio::time::timeout(CLOSE_WAIT, read).await.expect("the server closes").unwrap();
        String::from_utf8(response).unwrap()
    }
}

fn statuses(responses: &str) -> Vec<&str> {
    responses.split("HTTP/1.1 ").skip(1).filter_map(|response| response.get(..3)).collect()
}

#[tokio::test]
async fn a_rejected_head_gets_a_problem_in_its_turn_and_ends_the_connection() {
    let server = start(TIMEOUT, TIMEOUT).await;
    let valid = "GET /fast HTTP/1.1\r\nHost: a\r\n\r\n";
    let responses = server.exchange(&[valid, valid, "GET /fast HTTP/1.1\r\n\r\n", valid].concat()).await;
    assert_eq!(statuses(&responses), ["200", "200", "400"]);
    let (_, refusal) = responses.rsplit_once("HTTP/1.1 ").unwrap();
    for part in
        ["application/problem+json", "x-request-id: ", "x-frame-options: DENY", "exactly one valid Host"]
    {
        assert!(refusal.contains(part), "{part} is not in {refusal}");
    }
    assert_eq!(server.metrics.refused_heads.get(), 1);
}

#[tokio::test]
async fn bodies_reach_the_handler_whole_and_malformed_chunks_are_a_bad_request() {
    let server = start(TIMEOUT, TIMEOUT).await;
    let chunked = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let valid = [chunked, "3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"].concat();
    let counted = "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nfgh";
    let responses = server.exchange(&[&valid, counted].concat()).await;
    assert_eq!(statuses(&responses), ["200", "200"]);
    assert!(responses.contains("abcde") && responses.ends_with("fgh"), "{responses}");

    let malformed = server.exchange(&[chunked, "3\r\nabcd\r\n0\r\n\r\n"].concat()).await;
    assert_eq!(statuses(&malformed), ["400"]);
    let large = server.exchange(&[chunked, "FFF\r\n", &"a".repeat(0xfff), "\r\n0\r\n\r\n"].concat()).await;
    assert_eq!(statuses(&large), ["413"]);
}

#[tokio::test]
async fn a_panic_costs_one_request_and_leaves_the_connection_and_the_gauge() {
    let server = start(TIMEOUT, TIMEOUT).await;
    let request = |path: &str, last: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n{last}\r\n");
    let both = [request("/panic", ""), request("/fast", "Connection: close\r\n")].concat();
    let responses = server.exchange(&both).await;
    assert_eq!(statuses(&responses), ["500", "200"]);
    assert!(!responses.contains("on purpose"));
    assert_eq!((server.metrics.panics.get(), server.metrics.in_flight.get()), (1, 0));
}

#[tokio::test]
async fn a_client_that_sends_nothing_or_half_a_head_is_disconnected() {
    let server = start_with(Duration::from_millis(500), CLOSE_WAIT * 2, TIMEOUT).await;
    for start in
        ["", "P", "PRI * HTTP/2.0\r\n", "GET / HTTP/1.1\r\nHo", "GET /fast HTTP/1.1\r\nHost: a\r\n\r\nGET"]
    {
        let response = server.exchange(start).await;
        assert_eq!(statuses(&response).len(), usize::from(start.ends_with("GET")), "{start:?}: {response}");
    }
}

#[tokio::test]
async fn an_idle_connection_has_a_limit_of_its_own() {
    let (header_timeout, keep_alive) = (Duration::from_millis(200), Duration::from_millis(1500));
    let server = start_with(header_timeout, keep_alive, TIMEOUT).await;
    let started = tokio::time::Instant::now();
    let responses = server.exchange("GET /fast HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(statuses(&responses), ["200"]);
    assert!(started.elapsed() >= keep_alive, "{:?}", started.elapsed());
    assert!(started.elapsed() < CLOSE_WAIT, "{:?}", started.elapsed());
    // Also where it is shorter than the time for a head.
    let server = start_with(CLOSE_WAIT * 2, Duration::from_millis(200), TIMEOUT).await;
    assert_eq!(statuses(&server.exchange("GET /fast HTTP/1.1\r\nHost: a\r\n\r\n").await), ["200"]);
}

#[tokio::test]
async fn a_request_in_flight_completes_before_the_server_ends() {
    let server = start(TIMEOUT, TIMEOUT).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    while server.metrics.in_flight.get() == 0 {
        tokio::task::yield_now().await;
    }
    server.stop.send(()).unwrap();
    let mut response = Vec::new();
    socket.read_to_end(&mut response).await.unwrap();
    assert!(response.starts_with(b"HTTP/1.1 200"));
    assert!(server.serving.await.unwrap().is_complete());
    assert!(TcpStream::connect(server.address).await.is_err(), "nothing is accepted any more");
}

#[tokio::test]
async fn while_the_server_stops_a_response_ends_its_connection() {
    let server = start_with_connections(Connections { unready_for: SLOW, ..connections() }).await;
    let request = "GET /fast HTTP/1.1\r\nHost: a\r\n\r\n";
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut buffer = [0; 1024];
    let count = socket.read(&mut buffer).await.unwrap();
    let first = String::from_utf8_lossy(&buffer[..count]).to_lowercase();
    assert!(first.starts_with("http/1.1 200") && !first.contains("connection: close"), "{first}");
    server.stop.send(()).unwrap();
    // The next request of a connection that was open before is served, too.
    let mut last = String::new();
    while !last.contains("connection: close") {
        socket.write_all(request.as_bytes()).await.unwrap();
        let count = socket.read(&mut buffer).await.unwrap();
        last = String::from_utf8_lossy(&buffer[..count]).to_lowercase();
        assert!(last.starts_with("http/1.1 200"), "{last}");
    }
    assert_eq!(socket.read(&mut buffer).await.unwrap(), 0);
    assert!(server.serving.await.unwrap().is_complete());
}

#[tokio::test]
async fn requests_that_are_cut_off_at_the_deadline_are_counted() {
    let server = start(TIMEOUT, Duration::from_millis(50)).await;
    let mut socket = TcpStream::connect(server.address).await.unwrap();
    socket.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    while server.metrics.in_flight.get() == 0 {
        tokio::task::yield_now().await;
    }
    server.stop.send(()).unwrap();
    assert_eq!(server.serving.await.unwrap(), Drained { connections_cut: 1, requests_cut: 1 });
}

#[tokio::test]
async fn a_busy_port_is_an_error_that_names_the_address() {
    let bound = bind("BIND_ADDRESS", ([127, 0, 0, 1], 0).into()).unwrap();
    let address = bound.local_addr().unwrap();
    let error = bind("BIND_ADDRESS", address).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("cannot listen on BIND_ADDRESS {address}: another program")),
        "{error}"
    );
}

#[tokio::test]
async fn a_port_published_on_loopback_refuses_connections_from_public_addresses() {
    for (published_on_loopback, peer, is_served) in
        [(true, "203.0.113.9:1", false), (true, "172.17.0.1:1", true), (false, "203.0.113.9:1", true)]
    {
        let metrics = Arc::new(Metrics::new(telemetry::metrics::Labels::default()).unwrap());
        let app = Layers::without_keys(Arc::clone(&metrics)).observe(Router::new());
        let config = Connections { published_on_loopback, ..connections() };
        let server = Server::new(app, config, TrustedProxies::default(), metrics);
        let listener = bind("BIND_ADDRESS", ([127, 0, 0, 1], 0).into()).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        server.admit(stream, peer.parse().unwrap());
        let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        let mut response = Vec::new();
        // A closed connection may be reset.
        let _ = (client.write_all(request).await, client.read_to_end(&mut response).await);
        assert_eq!(!response.is_empty(), is_served, "{published_on_loopback} {peer}");
    }
}
