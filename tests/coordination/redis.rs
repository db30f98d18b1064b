//! A real Redis in a directory of its own on a free port, killed when dropped.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a server to answer.
const WAIT: Duration = Duration::from_secs(30);
/// A port that was free a moment ago may be in use by now.
const STARTS_MAX: usize = 3;
/// A node of a cluster listens on its port and on another one, this much higher.
pub(crate) const BUS_OFFSET: u16 = 10_000;

#[derive(Debug)]
pub(crate) struct Redis {
    directory: tempfile::TempDir,
    pub(crate) port: u16,
    arguments: Vec<String>,
    child: Option<Child>,
    /// For `redis-cli`.
    pub(crate) connection: Vec<String>,
}

impl Redis {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        (0..STARTS_MAX)
            .find_map(|_| Self::try_start(arguments.clone()))
            .expect("redis-server starts: tests/run installs it")
    }

    /// Accepts TLS only, on its port.
    pub(crate) fn start_with_tls(arguments: &[&str], ca: &str) -> Self {
        let port = free_port();
        let text = port.to_string();
        let mut redis = Self::start_with(&[arguments, &["--tls-port", &text]].concat());
        redis.port = port;
        redis.connection = ["-p", &text, "--tls", "--cacert", ca].map(str::to_owned).to_vec();
        redis
    }

    fn try_start(arguments: Vec<String>) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let port = free_port();
        let connection = vec!["-p".to_owned(), port.to_string()];
        let mut redis = Self { directory, port, arguments, child: None, connection };
        redis.run().then_some(redis)
    }

    /// Starts the process, and waits until it listens.
    fn run(&mut self) -> bool {
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(["--enable-debug-command", "yes"])
            .args(&self.arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.child = Some(child);
        let port = self.arguments.iter().skip_while(|argument| *argument != "--tls-port").nth(1);
        let port = port.map_or(self.port, |port| port.parse().unwrap());
        let deadline = Instant::now() + WAIT;
        while Instant::now() < deadline {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return true;
            }
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What `redis-cli` prints.
    pub(crate) fn cli(&self, arguments: &[&str]) -> String {
        let output = Command::new("redis-cli").args(&self.connection).args(arguments).output();
        let output = output.expect("redis-cli is installed");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// How often this command was called, alone or in scripts.
    pub(crate) fn calls(&self, command: &str) -> u64 {
        let statistics = self.cli(&["INFO", "commandstats"]);
        let line =
            statistics.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|rest| rest.split(',').next()?.parse().ok()).unwrap_or(0)
    }

    /// The connections of servers.
    pub(crate) fn connections(&self) -> usize {
        self.cli(&["CLIENT", "LIST"]).lines().filter(|line| line.contains(" name=investiq ")).count()
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([format!("-{name}"), pid]).status().unwrap().success());
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again on its port, without its data.
    pub(crate) fn start_again(&mut self) {
        assert!(self.run(), "redis-server starts again on its port");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A free port below those that the system gives to outgoing connections, so that a restarted server finds it free, with room for the
/// other port of a cluster's node.
pub(crate) fn free_port() -> u16 {
    use std::sync::atomic::{AtomicU16, Ordering};
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = 11_000 + u16::try_from(std::process::id() % 1000).unwrap() * 10;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        if [port, port + BUS_OFFSET].iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()) {
            return port;
        }
    }
}
