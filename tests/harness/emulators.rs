//! Emulators of AWS by others, from the Python environment of the tests: each on a free loopback port, as a process of
//! its own that is killed when dropped.
//!
//! They inject no faults and break some rules of Secrets Manager: `tests/secrets_manager/deviations.json` lists which.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::blocking::Client;

use crate::workspace_root;

/// Longest wait for an emulator to answer: Python reads a great many files first.
const START_WAIT: Duration = Duration::from_secs(180);
/// Longest wait for one answer to a probe.
const PROBE_WAIT: Duration = Duration::from_secs(20);
/// Pause between two probes.
const PROBE_PAUSE: Duration = Duration::from_millis(20);
/// Ports tried, since one that was free a moment ago may be taken.
const STARTS_MAX: usize = 3;

/// A running moto server.
#[derive(Debug)]
pub struct Moto(Emulator);

impl Moto {
    /// Starts moto and waits until it answers.
    ///
    /// # Panics
    /// When it does not; `tests/run` installs it.
    #[must_use]
    pub fn start() -> Self {
        Self(start("moto_server", "/moto-api/data.json", |command, port| {
            command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
        }))
    }

    /// What to configure as the endpoint of every service.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        self.0.endpoint_url()
    }
}

/// A running ministack with Secrets Manager and S3.
#[derive(Debug)]
pub struct Ministack(Emulator);

impl Ministack {
    /// Starts ministack and waits until it answers.
    ///
    /// # Panics
    /// When it does not; `tests/run` installs it.
    #[must_use]
    pub fn start() -> Self {
        Self(start("ministack", "/_ministack/health", |command, port| {
            // Its default is to listen on every interface, and on further ports for services that are not asked for.
            command
                .env("BIND_HOST", "127.0.0.1")
                .env("GATEWAY_PORT", port.to_string())
                .env("SERVICES", "secretsmanager,s3")
                .env("IOT_MTLS_ENABLED", "0")
                .env("SFTP_ENABLED", "0");
        }))
    }

    /// What to configure as the endpoint of every service.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        self.0.endpoint_url()
    }
}

#[derive(Debug)]
struct Emulator {
    child: Child,
    port: u16,
    /// Its working and temporary directory.
    directory: tempfile::TempDir,
}

impl Emulator {
    fn endpoint_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Whether it answers the probe, as itself and not as another that took the port.
    fn answers(&mut self, client: &Client, probe: &str) -> bool {
        let answer = client.get(format!("{}{probe}", self.endpoint_url())).send();
        answer.is_ok_and(|answer| answer.status().is_success()) && self.is_running()
    }

    fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
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
        Client::builder().no_proxy().timeout(PROBE_WAIT).build().expect("a client without TLS options");
    let mut log = String::new();
    for _ in 0..STARTS_MAX {
        let mut emulator = spawn(program, configure);
        let deadline = Instant::now() + START_WAIT;
        while emulator.is_running() && Instant::now() < deadline {
            if emulator.answers(&client, probe) {
                return emulator;
            }
            std::thread::sleep(PROBE_PAUSE);
        }
        log = emulator.log();
    }
    panic!("{program} does not answer; its log:\n{log}")
}

/// Starts the program with nothing of our environment but `PATH`.
fn spawn(program: &str, configure: fn(&mut Command, u16)) -> Emulator {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let log = std::fs::File::create(directory.path().join("log")).expect("a log file");
    let port = free_port();
    let mut command = Command::new(installed(program));
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
        panic!("{program} starts from target/venv, which `tests/run` makes: {error}")
    });
    Emulator { child, port, directory }
}

fn installed(program: &str) -> PathBuf {
    workspace_root().join("target/venv/bin").join(program)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
    listener.local_addr().expect("a listener has an address").port()
}
