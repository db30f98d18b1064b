//! The real `api-server` binary, started on a free port in a directory of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest wait for a server to listen or to end, on a busy machine.
const SERVER_TIMEOUT: Duration = Duration::from_secs(60);

/// The database when a test names none.
const DATABASE_FILE: &str = "data/investiq.db";
/// When a test names none: the Base64 of 32 random bytes.
const AUDIT_KEY: &str = "+K5ZMjQynwolms9MUptlqDHTQzXy4xnJ3qNqBlR161Y=";

/// The server's environment: exactly this, nothing is inherited.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    environment: BTreeMap<String, String>,
    /// Variables that get no default value either.
    unset: BTreeSet<String>,
    /// The server of another build.
    program: Option<PathBuf>,
    /// Files in its working directory, with their texts.
    files: Vec<(&'static str, String)>,
}

impl ServerOptions {
    /// A server on a free loopback port that logs JSON.
    pub fn new() -> Self {
        Self::default().set("BIND_ADDRESS", "127.0.0.1:0").set("RUST_LOG_FORMAT", "json")
    }

    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.unset.remove(name);
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    pub fn unset(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self.unset.insert(name.to_owned());
        self
    }

    /// Starts the server of another build.
    pub fn program(mut self, path: &Path) -> Self {
        self.program = Some(path.to_owned());
        self
    }

    /// Writes a file to the working directory before the start.
    pub fn file(mut self, name: &'static str, text: &str) -> Self {
        self.files.push((name, text.to_owned()));
        self
    }

    /// Uses this SQLite file, which outlives the server.
    pub fn database_file(self, path: &Path) -> Self {
        self.set("DATABASE_URL", format!("sqlite:{}", path.display()))
    }

    /// Adds the defaults of a server that runs in `directory`: a database of its own and an audit key.
    fn environment_in(&self, directory: &Path) -> BTreeMap<String, String> {
        let database = format!("sqlite:{}", directory.join(DATABASE_FILE).display());
        let mut environment = self.environment.clone();
        for (name, value) in [("DATABASE_URL", database), ("AUDIT_KEY", AUDIT_KEY.to_owned())] {
            let in_file = format!("{name}_FILE");
            if !self.unset.contains(name) && !environment.contains_key(&in_file) {
                environment.entry(name.to_owned()).or_insert(value);
            }
        }
        environment
    }

    /// Starts the server and waits until it listens.
    pub fn start(&self) -> Server {
        let mut running = self.spawn();
        let deadline = Instant::now() + SERVER_TIMEOUT;
        loop {
            if let Some(address) = running.listening_address() {
                running.address = address;
                return running;
            }
            let ended = running.child.try_wait().expect("the child can be waited for");
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "the server did not listen ({ended:?}); its log:\n{}",
                running.log()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts a server that must exit by itself, and returns its exit status and log.
    pub fn start_failure(&self) -> (ExitStatus, String) {
        let mut running = self.spawn();
        let status = running.wait().expect("the server exits by itself");
        (status, running.log())
    }

    fn spawn(&self) -> Server {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for (name, text) in &self.files {
            std::fs::write(directory.path().join(name), text).expect("the directory is new");
        }
        let mut child = Command::new(self.program.clone().unwrap_or_else(|| binary("api-server")))
            .env_clear()
            .envs(self.environment_in(directory.path()))
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the api-server binary starts: build it with `cargo build -p api-server`");
        let log = Arc::new(Mutex::new(Vec::new()));
        let readers = vec![
            collect_lines(child.stdout.take().expect("stdout is piped"), &log),
            collect_lines(child.stderr.take().expect("stderr is piped"), &log),
        ];
        Server { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), log, readers, directory }
    }
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
    directory: tempfile::TempDir,
}

impl Server {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its working directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Its output so far, stdout and stderr together.
    pub fn log(&self) -> String {
        self.log.lock().expect("a reader thread never panics").join("\n")
    }

    /// The log lines that are JSON.
    pub fn events(&self) -> Vec<Value> {
        self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Sends a signal such as `TERM` or `HUP`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .status()
            .expect("kill is on every Unix");
        assert!(status.success(), "kill -{name}");
    }

    /// Waits for it to end; `None` on timeout.
    pub fn wait(&mut self) -> Option<ExitStatus> {
        let status = self.wait_at_most(SERVER_TIMEOUT)?;
        // The log is complete once the readers of both pipes have ended.
        self.readers.drain(..).for_each(|reader| reader.join().expect("a reader thread never panics"));
        Some(status)
    }

    /// As [`wait`](Self::wait), and the log may not be complete.
    pub fn wait_at_most(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// Reads none of its output meanwhile.
    pub fn while_log_is_stalled<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let log = Arc::clone(&self.log);
        let _stalled = log.lock().expect("a reader thread never panics");
        work(self)
    }

    /// Stops it and returns its complete log, for tests that assert what is not logged.
    pub fn stop_and_read_log(&mut self) -> String {
        self.signal("TERM");
        assert!(self.wait().is_some(), "the server does not end; its log:\n{}", self.log());
        self.log()
    }

    pub fn resident_kib(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("the process runs");
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
            .expect("VmRSS is in /proc/PID/status")
    }

    fn listening_address(&self) -> Option<SocketAddr> {
        self.address_in("listening")
    }

    /// Of the listener that `METRICS_BIND_ADDRESS` asks for.
    pub fn metrics_address(&self) -> SocketAddr {
        self.address_in("metrics are served without a key").expect("it listens before the requests of a test")
    }

    fn address_in(&self, message: &str) -> Option<SocketAddr> {
        self.events().iter().find_map(|event| {
            let fields = event.get("fields").unwrap_or(event);
            (fields.get("message")?.as_str()? == message)
                .then(|| fields.get("address")?.as_str()?.parse().ok())?
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

/// A program that Ctrl-C stops, also where this process was started by a shell that ignores it, as those in the background do.
pub fn interruptible(program: &Path) -> Command {
    let mut command = Command::new("/usr/bin/env");
    command.arg("--default-signal=INT").arg(program);
    command
}

/// A program of the product: they are built beside the tests.
pub fn binary(name: &str) -> PathBuf {
    let test_binary = std::env::current_exe().expect("a test knows its own path");
    let profile = test_binary.ancestors().nth(2).expect("tests run from target/<profile>/deps");
    profile.join(name)
}

fn collect_lines(pipe: impl std::io::Read + Send + 'static, log: &Arc<Mutex<Vec<String>>>) -> JoinHandle<()> {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            log.lock().expect("a reader thread never panics").push(line);
        }
    })
}
