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

/// Longest wait for a server to listen or to end, on a machine that has much else to do.
const SERVER_WAIT: Duration = Duration::from_secs(60);

/// Where a server keeps its database when a test names none: a file in its own directory.
const DATABASE_FILE: &str = "data/investiq.db";
/// What authenticates audit entries when a test names no key: the Base64 of 32 random bytes.
const AUDIT_KEY: &str = "+K5ZMjQynwolms9MUptlqDHTQzXy4xnJ3qNqBlR161Y=";

/// How a server is started: its environment is exactly this, nothing is inherited but `PATH`.
#[derive(Clone, Debug, Default)]
pub struct ServerOptions {
    environment: BTreeMap<String, String>,
    /// Variables that a test wants unset, and that are not given a default either.
    unset: BTreeSet<String>,
}

impl ServerOptions {
    /// A server on a free loopback port that logs JSON.
    #[must_use]
    pub fn new() -> Self {
        Self::default().set("BIND_ADDRESS", "127.0.0.1:0").set("RUST_LOG_FORMAT", "json")
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.unset.remove(name);
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// Leaves an environment variable unset.
    #[must_use]
    pub fn unset(mut self, name: &str) -> Self {
        self.environment.remove(name);
        self.unset.insert(name.to_owned());
        self
    }

    /// Keeps the database in this file, which outlives the server: a server that is started again finds it.
    #[must_use]
    pub fn database_file(self, path: &Path) -> Self {
        self.set("DATABASE_URL", format!("sqlite:{}", path.display()))
    }

    /// The environment of a server that runs in `directory`: a database of its own and an audit key, unless the
    /// test says otherwise.
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
    ///
    /// # Panics
    /// When it ends or stays silent instead; the message carries its log.
    #[must_use]
    pub fn start(&self) -> Server {
        let mut running = self.spawn();
        let deadline = Instant::now() + SERVER_WAIT;
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

    /// Starts a server that is expected to refuse, and gives its exit status and log.
    ///
    /// # Panics
    /// When it is still running after the wait.
    #[must_use]
    pub fn refused(&self) -> (ExitStatus, String) {
        let mut running = self.spawn();
        let status = running.wait().expect("a refusing server ends by itself");
        (status, running.log())
    }

    fn spawn(&self) -> Server {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut child = Command::new(server_binary())
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
            collect(child.stdout.take().expect("stdout is piped"), &log),
            collect(child.stderr.take().expect("stderr is piped"), &log),
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
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:port` and `path`.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The directory that it runs in.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Everything it has written to stdout and stderr.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().expect("a reader thread never panics").join("\n")
    }

    /// Its log lines that are JSON objects.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Sends a signal such as `TERM` or `HUP`.
    ///
    /// # Panics
    /// When `kill` cannot be run.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([format!("-{name}"), self.pid().to_string()])
            .status()
            .expect("kill is on every Unix");
        assert!(status.success(), "kill -{name}");
    }

    /// Waits for it to end; `None` when it does not.
    pub fn wait(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + SERVER_WAIT;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.child.try_wait() {
                // The pipes end with the child; what was in them is in the log once their readers have ended.
                self.readers
                    .drain(..)
                    .for_each(|reader| reader.join().expect("a reader thread never panics"));
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        None
    }

    /// Asks it to end, waits until it has, and gives everything that it wrote: what a test asserts not to be in a log may
    /// not be missed because it was still on its way there.
    ///
    /// # Panics
    /// When it does not end.
    pub fn whole_log(&mut self) -> String {
        self.signal("TERM");
        assert!(self.wait().is_some(), "it does not end; its log:\n{}", self.log());
        self.log()
    }

    /// Resident memory in KiB.
    ///
    /// # Panics
    /// When `/proc` does not say.
    #[must_use]
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
        self.events().iter().find_map(|event| {
            let fields = event.get("fields").unwrap_or(event);
            (fields.get("message")?.as_str()? == "listening")
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

/// The workspace's root.
#[must_use]
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ lies in the workspace").to_owned()
}

fn server_binary() -> PathBuf {
    let test_binary = std::env::current_exe().expect("a test knows its own path");
    let profile = test_binary.ancestors().nth(2).expect("tests run from target/<profile>/deps");
    profile.join("api-server")
}

fn collect(pipe: impl std::io::Read + Send + 'static, log: &Arc<Mutex<Vec<String>>>) -> JoinHandle<()> {
    let log = Arc::clone(log);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            log.lock().expect("a reader thread never panics").push(line);
        }
    })
}
