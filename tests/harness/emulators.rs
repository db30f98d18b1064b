//! Third-party emulators of AWS, from the tests' Python environment: each a process on a free loopback port, killed when
//! dropped.
//!
//! They inject no faults and break some rules of Secrets Manager: `tests/secrets/manager/deviations.json` lists which.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::blocking::Client;

use crate::workspace_root;

/// Python reads a great many files first.
const START_TIMEOUT: Duration = Duration::from_secs(180);
const PROBE_TIMEOUT: Duration = Duration::from_secs(20);
const PROBE_INTERVAL: Duration = Duration::from_millis(20);
/// A port that was free a moment ago may be in use by now.
const STARTS_MAX: usize = 3;

#[derive(Debug)]
pub struct Moto(Emulator);

impl Moto {
    pub fn start() -> Self {
        Self(start("moto_server", "/moto-api/data.json", |command, port| {
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        }))
    }

    pub fn endpoint_url(&self) -> String {
        self.0.endpoint_url()
    }
}

/// With Secrets Manager and S3.
#[derive(Debug)]
pub struct Ministack(Emulator);

impl Ministack {
    pub fn start() -> Self {
        Self(start("ministack", "/_ministack/health", |command, port| {
            // By default it listens on every interface, and on further ports for other services.
            command
                .env("BIND_HOST", "127.0.0.1")
                .env("GATEWAY_PORT", port.to_string())
                .env("SERVICES", "secretsmanager,s3")
                .env("IOT_MTLS_ENABLED", "0")
                .env("SFTP_ENABLED", "0");
        }))
    }

    pub fn endpoint_url(&self) -> String {
        self.0.endpoint_url()
    }
}

#[derive(Debug)]
struct Emulator {
    child: Child,
    port: u16,
    /// Working and temporary directory.
    directory: tempfile::TempDir,
}

impl Emulator {
    fn endpoint_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Whether it responds to the probe, and not another process on the same port.
    fn is_ready(&mut self, client: &Client, probe: &str) -> bool {
        let response = client.get(format!("{}{probe}", self.endpoint_url())).send();
        response.is_ok_and(|response| response.status().is_success()) && self.is_running()
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn start(program: &str, probe: &str, configure: fn(&mut Command, u16)) -> Emulator {
    let client =
        Client::builder().no_proxy().timeout(PROBE_TIMEOUT).build().expect("a client without TLS options");
    let mut log = String::new();
    for _ in 0..STARTS_MAX {
        let mut emulator = spawn(program, configure);
        let deadline = Instant::now() + START_TIMEOUT;
        while emulator.is_running() && Instant::now() < deadline {
            if emulator.is_ready(&client, probe) {
                return emulator;
            }
            std::thread::sleep(PROBE_INTERVAL);
        }
        log = emulator.log();
    }
    panic!("{program} does not respond; its log:\n{log}")
}

/// The environment is not inherited.
fn spawn(program: &str, configure: fn(&mut Command, u16)) -> Emulator {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = std::fs::File::create(directory.path().join("log")).expect("a log file");
    let port = free_port();
    let mut command = Command::new(workspace_root().join("target/venv/bin").join(program));
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", directory.path())
        .env("TMPDIR", directory.path())
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle of the log"))
        .stderr(log);
    configure(&mut command, port);
    let child = command.spawn().unwrap_or_else(|error| {
        panic!("{program} starts from target/venv, which `tests/run` creates: {error}")
    });
    Emulator { child, port, directory }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
    listener.local_addr().expect("a listener has an address").port()
}
