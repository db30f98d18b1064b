//! `/metrics` as OpenMetrics, read by a real Prometheus.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tests::{Server, ServerOptions};

use crate::{accepting, named, traced};

/// Prometheus in a directory of its own, killed when dropped.
struct Prometheus {
    child: Child,
    port: u16,
    _directory: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(server: &Server) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = format!(
            "global: {{scrape_interval: 1s}}\nscrape_configs:\n- job_name: api\n  static_configs: [{{targets: ['{}']}}]\n",
            server.address()
        );
        std::fs::write(directory.path().join("prometheus.yml"), config).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = Command::new("prometheus")
            .args([
                "--config.file=prometheus.yml",
                "--storage.tsdb.path=data",
                "--enable-feature=exemplar-storage",
            ])
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("prometheus starts: tests/run installs it");
        Self { child, port, _directory: directory }
    }

    /// The data of a query; `None` until it listens.
    fn api(&self, path: &str) -> Option<Value> {
        let url = format!("http://127.0.0.1:{}/api/v1/{path}", self.port);
        let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
        let response: Value = serde_json::from_str(&client.get(url).send().ok()?.text().ok()?).ok()?;
        Some(response["data"].clone())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn prometheus_reads_exemplars_whose_traces_the_collector_has() {
    let collector = accepting();
    let server = traced(ServerOptions::new(), &collector, "always_on").start();
    for _ in 0..5 {
        assert_eq!(server.get("/api/analyze/IBM", &[]).status, 200);
    }
    let prometheus = Prometheus::scraping(&server);
    let query = "query_exemplars?query=investiq_http_request_duration_seconds_bucket&start=0&end=9999999999";
    let route = "/api/analyze/{symbol}";
    let mut found = BTreeSet::new();
    server.wait_until("Prometheus has an exemplar", |_| {
        let series = prometheus.api(query).unwrap_or_default();
        let series = series.as_array().cloned().unwrap_or_default();
        let of_route = series.iter().filter(|series| series["seriesLabels"]["route"] == route);
        let exemplars =
            of_route.flat_map(|series| series["exemplars"].as_array().cloned().unwrap_or_default());
        found = exemplars.map(|one| one["labels"]["trace_id"].as_str().unwrap().to_owned()).collect();
        !found.is_empty()
    });
    let up = prometheus.api("query?query=up").unwrap();
    assert_eq!(up["result"][0]["value"][1], "1");
    server.wait_until("the collector has the traces", |_| {
        let spans = collector.spans();
        let traces: BTreeSet<String> =
            named(&spans, &format!("GET {route}")).iter().map(|span| span.trace_id.clone()).collect();
        found.is_subset(&traces)
    });
}

#[test]
fn the_text_format_is_the_default_and_both_are_compressed() {
    let server = ServerOptions::new().start();
    for (accept, media_type) in [
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ] {
        let page = server.get("/metrics", &[("accept", accept)]);
        assert_eq!(page.header("content-type"), Some(media_type));
        assert_eq!(page.body.ends_with("# EOF\n"), accept != "*/*");
        assert!(page.header("vary").is_some_and(|names| names.contains("Accept")), "{page:?}");
        let compressed = server.get("/metrics", &[("accept", accept), ("accept-encoding", "gzip")]);
        assert_eq!(compressed.header("content-encoding"), Some("gzip"));
        let bytes: usize = compressed.header("content-length").unwrap().parse().unwrap();
        assert!(bytes < page.body.len() / 3, "{bytes} of {}", page.body.len());
    }
}
