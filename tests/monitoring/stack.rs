//! The monitored stack on free ports: server, Postgres, Redis and a fake vendor; exporters, Prometheus, Alertmanager and fake receivers.
//!
//! Files are those of production but for addresses, the directory of secrets and times: most happens each second; `for` is 4 s where it
//! is 1 minute, and 8 s where it is longer. The probe of the public name has no TLS.

use std::fs::File;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tests::alert_receivers::{AlertReceivers, GENIE_KEY, ROUTING_KEY, SLACK_PATH, SMTP_PASSWORD};
use tests::polygon::FakePolygon;
use tests::{Postgres, Server, ServerOptions};

use crate::redis::{Redis, free_port};
use crate::{configs, copy_tree, read, replaced};

const START_MAX: Duration = Duration::from_secs(60);
const KEY: &str = "monitoring-test-Qm7vX2pLw9TzR4kNc8Yb3HsJ";

/// A process whose output is in a file; killed when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub(crate) struct Stack {
    pub(crate) receivers: AlertReceivers,
    pub(crate) vendor: FakePolygon,
    pub(crate) redis: Redis,
    pub(crate) postgres: Postgres,
    options: ServerOptions,
    server: Option<Server>,
    /// Stopped before what they talk to.
    processes: Vec<Process>,
    ports: Ports,
    directory: TempDir,
}

struct Ports {
    server: u16,
    prometheus: u16,
    alertmanager: u16,
    postgres_exporter: u16,
    redis_exporter: u16,
    node_exporter: u16,
    blackbox_exporter: u16,
}

impl Stack {
    pub(crate) fn start() -> Self {
        let ports = Ports {
            server: free_port(),
            prometheus: free_port(),
            alertmanager: free_port(),
            postgres_exporter: free_port(),
            redis_exporter: free_port(),
            node_exporter: free_port(),
            blackbox_exporter: free_port(),
        };
        let (postgres, redis, vendor) = (Postgres::start(), Redis::start(), FakePolygon::start());
        let options = ServerOptions::new()
            .set("BIND_ADDRESS", local(ports.server))
            .set("DATABASE_URL", postgres.create_database("investiq"))
            .set("REDIS_URL", redis.url())
            .set("API_KEYS", format!("{KEY}:admin"))
            .set("REQUIRE_AUTH", "true")
            .set("METRICS_ACCESS", "key")
            .set("RATE_LIMIT_PER_MINUTE", "6000")
            .set("POLYGON_API_KEY", "vendor-key")
            .set("POLYGON_BASE_URL", vendor.base_url())
            .set("HEALTH_CHECK_INTERVAL_SECS", "1");
        let receivers = AlertReceivers::start();
        let directory = tempfile::tempdir().unwrap();
        let mut stack = Self {
            receivers,
            vendor,
            redis,
            postgres,
            options,
            server: None,
            processes: Vec::new(),
            ports,
            directory,
        };
        stack.write_files();
        stack.start_server();
        stack.start_exporters();
        stack.start_alertmanager();
        stack.start_prometheus();
        stack
    }

    /// Starts the server, and waits until it works as the leader.
    pub(crate) fn start_server(&mut self) {
        if self.server.is_none() {
            self.server = Some(self.options.start());
        }
        // That of a killed server lasts longer.
        self.postgres.execute("investiq", "UPDATE leader_leases SET lease_until = 0");
        let server = self.server.as_ref().unwrap();
        server.wait_until("business figures are computed", |server| {
            let metrics = server.get("/metrics", &[("x-api-key", KEY)]).body;
            metrics.lines().any(|line| line.starts_with("investiq_business_computed_at_seconds 1"))
        });
    }

    pub(crate) fn kill_server(&mut self) {
        drop(self.server.take());
    }

    /// Sends requests that read the database, the vendor's data and the health; all must succeed.
    pub(crate) fn send_requests(&self) {
        let server = self.server.as_ref().unwrap();
        for path in ["/api/symbols/AAPL", "/api/bars/AAPL", "/api/ledger/balances", "/health"] {
            let response = server.get(path, &[("x-api-key", KEY)]);
            assert_eq!(response.status, 200, "{path}: {}", response.body);
        }
    }

    /// Asks for a symbol for the first time: the server takes the outcome of a call as the state of the vendor for a while.
    pub(crate) fn ask_vendor(&self, symbol: &str) -> u16 {
        let server = self.server.as_ref().unwrap();
        server.get(&format!("/api/bars/{symbol}"), &[("x-api-key", KEY)]).status
    }

    /// Names of the alerts that fire, as Prometheus says.
    pub(crate) fn firing(&self) -> Vec<String> {
        let response =
            reqwest::blocking::get(format!("http://{}/api/v1/alerts", local(self.ports.prometheus)));
        let document: Value = serde_json::from_str(&response.unwrap().text().unwrap()).unwrap();
        let alerts = document["data"]["alerts"].as_array().unwrap().iter();
        let firing = alerts.filter(|alert| alert["state"] == "firing");
        firing.map(|alert| alert["labels"]["alertname"].as_str().unwrap().to_owned()).collect()
    }

    /// Gives Alertmanager an alert that Prometheus does not have.
    pub(crate) fn raise(&self, labels: &Value) {
        let alert = serde_json::json!([{ "labels": labels, "annotations": { "summary": "raised by a test", "runbook_url": "https://x/docs/runbook.md" } }]);
        let client = reqwest::blocking::Client::new();
        let url = format!("http://{}/api/v2/alerts", local(self.ports.alertmanager));
        let response =
            client.post(url).header("content-type", "application/json").body(alert.to_string()).send();
        assert!(response.unwrap().status().is_success());
    }

    pub(crate) fn remove_secret(&self, name: &str) {
        std::fs::remove_file(self.secrets().join(name)).unwrap();
    }

    /// The ends of all logs.
    pub(crate) fn logs(&self) -> String {
        let files = std::fs::read_dir(self.directory.path().join("logs")).unwrap();
        let end = |path: &Path| {
            let text = read(path);
            let lines: Vec<&str> = text.lines().collect();
            format!("{}:\n{}\n", path.display(), lines[lines.len().saturating_sub(8)..].join("\n"))
        };
        files.map(|file| end(&file.unwrap().path())).collect()
    }

    fn secrets(&self) -> std::path::PathBuf {
        self.directory.path().join("secrets")
    }

    fn write_files(&self) {
        let at = |path: &str| self.directory.path().join(path);
        copy_tree(&configs(), &at("configs"));
        std::fs::create_dir_all(at("logs")).unwrap();
        std::fs::create_dir_all(self.secrets()).unwrap();
        let base_url = self.receivers.base_url();
        for (name, text) in [
            ("api_key", KEY.to_owned()),
            ("public.yml", format!("- targets: ['http://{}/livez']\n", local(self.ports.server))),
            ("pagerduty_routing_key", ROUTING_KEY.to_owned()),
            ("opsgenie_api_key", GENIE_KEY.to_owned()),
            ("slack_webhook_url", format!("{base_url}{SLACK_PATH}")),
            ("smtp_password", SMTP_PASSWORD.to_owned()),
        ] {
            std::fs::write(self.secrets().join(name), text).unwrap();
        }
        let change = |path: &str, changes: &[(&str, &str)]| {
            let changed = changes.iter().fold(read(&at(path)), |text, (from, to)| replaced(&text, from, to));
            std::fs::write(at(path), changed).unwrap();
        };
        let Ports {
            server,
            prometheus,
            alertmanager,
            postgres_exporter,
            redis_exporter,
            node_exporter,
            blackbox_exporter,
        } = self.ports;
        let server = format!("static_configs: [{{ targets: ['{}'] }}]", local(server));
        let secrets = format!("{}/", self.secrets().display());
        change(
            "configs/prometheus.production.yml",
            &[
                ("interval: 15s", "interval: 1s"),
                (
                    "dns_sd_configs: [{ names: [api-server], type: A, port: 3000, refresh_interval: 5s }]",
                    &server,
                ),
                // Without Postgres the server waits for it 2 s, and the exporter some seconds longer.
                (
                    "job_name: api-server\n",
                    "job_name: api-server\n    scrape_interval: 3s\n    scrape_timeout: 3s\n",
                ),
                (
                    "job_name: postgres\n",
                    "job_name: postgres\n    scrape_interval: 8s\n    scrape_timeout: 8s\n",
                ),
                ("/run/secrets/", &secrets),
                ("postgres-exporter:9187", &local(postgres_exporter)),
                ("redis-exporter:9121", &local(redis_exporter)),
                ("node-exporter:9100", &local(node_exporter)),
                ("blackbox-exporter:9115", &local(blackbox_exporter)),
                ("traefik:8082", &self.receivers.address()),
                ("alertmanager:9093", &local(alertmanager)),
                ("localhost:9090", &local(prometheus)),
            ],
        );
        change("configs/blackbox.yml", &[("fail_if_not_ssl: true", "fail_if_not_ssl: false")]);
        let mail = format!("{}\n  smtp_require_tls: false", self.receivers.mail_address());
        change(
            "configs/alertmanager/alertmanager.yml",
            &[
                ("global:\n", &format!("global:\n  pagerduty_url: {base_url}/v2/enqueue\n")),
                ("smtp.example.com:587", &mail),
                ("https://api.opsgenie.com/", &format!("{base_url}/")),
                ("https://heartbeat.example.com/investiq", &format!("{base_url}/heartbeat")),
                ("/run/secrets/", &secrets),
            ],
        );
        for (path, faster) in [
            ("configs/alertmanager/alertmanager.yml", faster_groups as fn(&str) -> Option<String>),
            ("configs/prometheus/alert_rules/app_alerts.yml", shorter_for),
            ("configs/prometheus/alert_rules/slo.yml", shorter_for),
        ] {
            let text = read(&at(path));
            let lines = text.lines().map(|line| faster(line).unwrap_or_else(|| line.to_owned()) + "\n");
            std::fs::write(at(path), lines.collect::<String>()).unwrap();
        }
    }

    fn start_exporters(&mut self) {
        let Ports { postgres_exporter, redis_exporter, node_exporter, blackbox_exporter, .. } = self.ports;
        let url = format!("{}?sslmode=disable", self.postgres.url("investiq"));
        let redis = self.redis.url();
        self.spawn(
            "prometheus-postgres-exporter",
            &[&format!("--web.listen-address={}", local(postgres_exporter))],
            &[("DATA_SOURCE_NAME", &url)],
            postgres_exporter,
        );
        self.spawn(
            "prometheus-redis-exporter",
            &["-redis.addr", &redis, "-web.listen-address", &local(redis_exporter)],
            &[],
            redis_exporter,
        );
        self.spawn(
            "prometheus-node-exporter",
            &[&format!("--web.listen-address={}", local(node_exporter))],
            &[],
            node_exporter,
        );
        self.spawn(
            "prometheus-blackbox-exporter",
            &[
                "--config.file=configs/blackbox.yml",
                &format!("--web.listen-address={}", local(blackbox_exporter)),
            ],
            &[],
            blackbox_exporter,
        );
    }

    fn start_alertmanager(&mut self) {
        let port = self.ports.alertmanager;
        let arguments = [
            "--config.file=configs/alertmanager/alertmanager.yml",
            "--storage.path=alertmanager",
            "--cluster.listen-address=",
            &format!("--web.listen-address={}", local(port)),
        ];
        self.spawn("prometheus-alertmanager", &arguments, &[], port);
    }

    fn start_prometheus(&mut self) {
        let port = self.ports.prometheus;
        let arguments = [
            "--config.file=configs/prometheus.production.yml",
            "--storage.tsdb.path=prometheus",
            "--enable-feature=expand-external-labels",
            // It finds Alertmanager some seconds after its start, and the first alerts are lost.
            "--rules.alert.resend-delay=5s",
            &format!("--web.listen-address={}", local(port)),
        ];
        let variables = [
            ("CLUSTER", "test"),
            ("ENVIRONMENT", "staging"),
            ("RUNBOOK_URL", "https://git.example.com/investiq"),
        ];
        self.spawn("prometheus", &arguments, &variables, port);
    }

    /// Starts a program and waits until it listens.
    fn spawn(&mut self, program: &str, arguments: &[&str], variables: &[(&str, &str)], port: u16) {
        let log = File::create(self.directory.path().join("logs").join(program)).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .envs(variables.iter().copied())
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}; tests/run installs it"));
        self.processes.push(Process(child));
        let deadline = Instant::now() + START_MAX;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "{program} does not listen: {}", self.logs());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn local(port: u16) -> String {
    format!("127.0.0.1:{port}")
}

/// A line of `alertmanager.yml` with a short time instead of its own.
fn faster_groups(line: &str) -> Option<String> {
    let (name, _) = line.split_once(": ")?;
    let time = match name.trim() {
        "group_wait" | "group_interval" => "1s",
        "repeat_interval" if line.ends_with(" 1m") => "2s",
        _ => return None,
    };
    Some(format!("{name}: {time}"))
}

/// A line of a rule with a short time instead of its own. Those of a missing target, which the first scrape ends, and of the disk, which is
/// this machine's, stay.
fn shorter_for(line: &str) -> Option<String> {
    let (name, time) = line.split_once("for: ").filter(|(name, _)| name.trim().is_empty())?;
    let short = match time {
        "10m" | "30m" => return None,
        "1m" => "4s",
        _ => "8s",
    };
    Some(format!("{name}for: {short}"))
}
