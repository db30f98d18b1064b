//! Spans of requests: what they say, whose decision counts, and what they never contain.

use std::collections::BTreeSet;

use tests::ServerOptions;
use tests::polygon::FakePolygon;

use crate::{accepting, logged_ids, named, spans_at_the_end, traced};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const TRACEPARENT: (&str, &str) = ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
const QUERY: &str = "/api/analyze/MSFT?days=query-canary";
const VENDOR_KEY: &str = "vendor-canary-Qx7mKp2vWn9tLz4rBc8yHs3dJf";

#[test]
fn a_request_is_a_span_with_the_ids_of_its_log_line_and_without_its_query() {
    let (collector, vendor) = (accepting(), FakePolygon::start());
    vendor.accept_keys(&[VENDOR_KEY]);
    let options = ServerOptions::new().set("POLYGON_API_KEY", VENDOR_KEY);
    let options =
        options.set("POLYGON_BASE_URL", vendor.base_url()).set("OTEL_SERVICE_NAME", "api-under-test");
    let mut server = traced(options, &collector, "always_on").start();
    let headers = [("user-agent", "watcher/1"), TRACEPARENT];
    let analyzed = server.get("/api/analyze/AAPL", &headers);
    assert_eq!(analyzed.status, 200, "{analyzed:?}");
    let request_id = analyzed.header("x-request-id").unwrap().to_owned();
    let refused = server.get(QUERY, &headers);
    assert!((400..500).contains(&refused.status), "{refused:?}");
    assert_eq!(server.get("/nowhere", &[]).status, 404);
    assert_eq!(server.get("/livez", &[]).status, 200);
    let spans = spans_at_the_end(&mut server, &collector);

    let of_path = |path: &str| {
        let mut spans = named(&spans, "GET /api/analyze/{symbol}").into_iter();
        spans.rfind(|span| span.attributes["url.path"] == path).unwrap()
    };
    let span = of_path("/api/analyze/AAPL");
    assert_eq!((span.kind, span.is_error, span.parent_id.as_str()), (2, false, ""));
    assert_eq!(
        serde_json::to_value(&span.attributes).unwrap(),
        serde_json::json!({
            "http.request.method": "GET", "http.route": "/api/analyze/{symbol}", "http.response.status_code": 200,
            "url.path": "/api/analyze/AAPL", "url.scheme": "http", "network.protocol.version": "1.1",
            "server.address": "127.0.0.1", "server.port": server.address().port(), "client.address": "127.0.0.1",
            "user_agent.original": "watcher/1", "investiq.request_id": request_id,
        })
    );
    assert_eq!(span.resource["service.name"], "api-under-test");
    assert_eq!(span.resource["deployment.environment.name"], "development");
    let ids = (span.trace_id.clone(), span.span_id.clone());
    assert_eq!(logged_ids(&server, "/api/analyze/AAPL"), [ids]);
    assert_ne!(span.trace_id, TRACE, "that an unknown client chose");

    let status = refused.status;
    let refused = of_path("/api/analyze/MSFT");
    assert_eq!(refused.attributes["http.response.status_code"], status);
    assert!(refused.attributes["investiq.problem"].is_string() && !refused.is_error, "{refused:?}");
    let nowhere = spans.iter().find(|span| span.kind == 2 && span.name == "GET").unwrap();
    assert_eq!(nowhere.attributes.get("http.route"), None, "of a path without a route");
    let everything = format!("{spans:?}");
    for secret in ["query-canary", VENDOR_KEY, "livez"] {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }

    // The vendor's calls belong to the request, and the vendor learns nothing of it.
    let calls: Vec<_> =
        spans.iter().filter(|call| call.kind == 3 && call.parent_id == span.span_id).collect();
    assert!(calls.len() >= 2, "{spans:#?}");
    for call in calls {
        assert_eq!((call.name.as_str(), &call.attributes["http.response.status_code"]), ("GET", &200.into()));
        assert_eq!(call.attributes["server.address"], "127.0.0.1");
    }
    assert!(!format!("{:?}", vendor.heads()).to_lowercase().contains("traceparent"));
}

#[test]
fn ids_are_logged_also_of_requests_that_are_not_recorded() {
    let collector = accepting();
    let mut server = traced(ServerOptions::new(), &collector, "always_off").start();
    for _ in 0..3 {
        assert_eq!(server.get("/api/symbols", &[TRACEPARENT]).status, 200);
    }
    assert!(spans_at_the_end(&mut server, &collector).is_empty());
    assert_eq!(collector.messages(), 0);
    let ids = logged_ids(&server, "/api/symbols");
    assert!(
        ids.iter().all(|(trace, span)| trace.len() == 32 && span.len() == 16 && trace != TRACE),
        "{ids:?}"
    );
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 3);
}

#[test]
fn only_a_trusted_proxy_decides_which_requests_are_recorded_and_only_if_that_is_set() {
    for (sampler, proxies, recorded) in [
        ("parentbased_always_off", "192.0.2.1", 0),
        ("parentbased_always_off", "127.0.0.1", 20),
        ("always_off", "127.0.0.1", 0),
    ] {
        let collector = accepting();
        let options = ServerOptions::new().set("TRUSTED_PROXIES", proxies);
        let mut server = traced(options, &collector, sampler).start();
        for _ in 0..20 {
            assert_eq!(server.get("/api/symbols", &[TRACEPARENT]).status, 200);
        }
        let spans = spans_at_the_end(&mut server, &collector);
        let spans = named(&spans, "GET /api/symbols");
        assert_eq!(spans.len(), recorded, "{sampler} behind {proxies}");
        assert!(spans.iter().all(|span| span.trace_id == TRACE && span.parent_id == "00f067aa0ba902b7"));
        let in_trace = logged_ids(&server, "/api/symbols").iter().filter(|(trace, _)| trace == TRACE).count();
        assert_eq!(in_trace, recorded);
    }
}

#[test]
fn without_a_collector_nothing_is_started_and_nothing_is_logged() {
    // The runtime and SQLite start as many as they need.
    let threads = |server: &tests::Server| -> BTreeSet<String> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
        let names = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
        names.filter_map(Result::ok).collect()
    };
    let collector = accepting();
    let mut off = ServerOptions::new().start();
    let on = traced(ServerOptions::new(), &collector, "always_on").start();
    for server in [&off, &on] {
        assert_eq!(server.get("/api/symbols", &[TRACEPARENT]).status, 200);
    }
    on.wait_until("it is exported", |_| !collector.spans().is_empty());
    assert_eq!(threads(&off), threads(&on), "the export has no thread of its own either");
    let log = off.stop_and_read_log();
    assert!(!log.contains("trace_id") && !log.contains("traces are exported"), "{log}");
}
