//! A private Postgres cluster for one test: in a temporary directory, on a free loopback port and a socket in the directory,
//! with a password, removed when dropped. Functions panic when Postgres refuses or does not start; `tests/run` installs it.
//!
//! It keeps Postgres's durability settings, so what it acknowledges is on disk. A test can stop, kill and restart it at
//! the same address. Statements go through `psql`, which shares no code with the product.

mod pgbouncer;
mod standby;

pub use pgbouncer::PgBouncer;

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Longest wait for a cluster to accept connections, or to end.
const WAIT: Duration = Duration::from_secs(60);
/// Pause between two checks of its state.
const PAUSE: Duration = Duration::from_millis(20);
/// A port that was free a moment ago may be in use by now.
const STARTS_MAX: usize = 3;
/// The role that owns the cluster.
const OWNER: &str = "investiq";
/// The system user that runs Postgres when the test is root: Postgres refuses to run as root.
const SYSTEM_USER: &str = "postgres";
/// Debian installs the programs of each version below it.
const DEBIAN_VERSIONS: &str = "/usr/lib/postgresql";

/// A running cluster.
#[derive(Debug)]
pub struct Postgres {
    directory: tempfile::TempDir,
    port: u16,
    password: String,
    child: Option<Child>,
}

impl Postgres {
    /// Creates a cluster and starts it.
    pub fn start() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let password = "first-password-of-a-test".to_owned();
        let secret = directory.path().join("password");
        std::fs::write(&secret, &password).expect("the directory can be written to");
        chown_to_system_user(directory.path());
        chown_to_system_user(&secret);
        let data = directory.path().join("data");
        let initdb = as_system_user(&mut Command::new(program("initdb")))
            .args([
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--no-locale",
                "--no-instructions",
                "-U",
                OWNER,
            ])
            .arg(format!("--pwfile={}", secret.display()))
            .arg(&data)
            .current_dir(directory.path())
            .output()
            .expect("initdb starts: `tests/run` installs Postgres");
        assert!(initdb.status.success(), "initdb: {}", String::from_utf8_lossy(&initdb.stderr));
        let mut cluster = Self { directory, port: 0, password, child: None };
        for _ in 0..STARTS_MAX {
            cluster.port = free_port();
            if cluster.try_start() {
                return cluster;
            }
        }
        panic!("Postgres does not start; its log:\n{}", cluster.log())
    }

    /// Creates an empty database and returns its owner's connection URL.
    pub fn create_database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        self.url(name)
    }

    /// The owner's connection URL, with the current password.
    pub fn url(&self, name: &str) -> String {
        self.url_for(OWNER, &self.password, name)
    }

    /// The connection URL of another role.
    pub fn url_for(&self, role: &str, password: &str, name: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/{name}", self.port)
    }

    /// The port of every address, and of the socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory of its Unix socket.
    pub fn socket_directory(&self) -> &Path {
        self.directory.path()
    }

    /// Offers TLS from the next start on, and returns the file with its certificate, which is for 127.0.0.1.
    pub fn enable_tls(&mut self) -> PathBuf {
        let [certificate, key] =
            ["server.crt", "server.key"].map(|name| self.directory.path().join("data").join(name));
        self_signed("test", &certificate, &key, &["-addext", "basicConstraints=critical,CA:FALSE"]);
        chown_to_system_user(&certificate);
        chown_to_system_user(&key);
        self.execute("postgres", "ALTER SYSTEM SET ssl = on");
        certificate
    }

    /// What psql prints when it connects to a URL and runs a query; `None` if it does not connect.
    pub fn psql(&self, url: &str, query: &str) -> Option<String> {
        let output = Command::new(program("psql"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .args(["-X", "-q", "-A", "-t", "-w", "-c", query, url])
            .output()
            .expect("psql starts: `tests/run` installs Postgres");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Changes the owner's password. Open connections stay open.
    pub fn change_password(&mut self, password: &str) {
        self.sql("postgres", &format!("ALTER ROLE {OWNER} PASSWORD '{password}'"));
        password.clone_into(&mut self.password);
    }

    /// Runs a query and returns its rows as text.
    #[must_use = "use `execute` when the rows do not matter"]
    pub fn rows(&self, database: &str, statement: &str) -> Vec<Vec<String>> {
        let text = self.sql(database, statement);
        text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }

    /// Runs a statement for its effect.
    pub fn execute(&self, database: &str, statement: &str) {
        self.sql(database, statement);
    }

    /// Shuts it down cleanly: open connections are cut, nothing is lost.
    pub fn stop(&mut self) {
        // SIGINT is what Postgres calls a fast shutdown.
        self.end_with("INT");
    }

    /// Stops all of its processes at once, as a power cut would.
    pub fn kill(&mut self) {
        // SIGQUIT makes every process end without writing anything; SIGKILL would leave some running.
        self.end_with("QUIT");
    }

    /// Kills all of its processes, none of which can do anything more.
    pub fn kill_group(&mut self) {
        let mut child = self.child.take().expect("Postgres is running");
        let server = child.id().to_string();
        // Stopped first, so that it neither starts another process nor ends one in an orderly way.
        signal("STOP", [&*server]);
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &server]).output();
        let children = String::from_utf8(children.expect("ps is on every Unix").stdout);
        let children = children.expect("ps prints numbers");
        signal("KILL", children.split_whitespace().chain([&*server]));
        child.wait().expect("the child can be waited for");
        // What a process that a signal has not reached yet holds keeps the next server from starting.
        let deadline = Instant::now() + WAIT;
        let is_gone = |pid: &str| !Path::new("/proc").join(pid).exists();
        while !children.split_whitespace().all(is_gone) {
            assert!(Instant::now() < deadline, "processes of Postgres remain: {children}");
            std::thread::sleep(PAUSE);
        }
    }

    /// Makes a stopped cluster one that waits for changes of a primary, and accepts none of clients.
    pub fn make_standby(&self) {
        let file = self.directory.path().join("data/standby.signal");
        std::fs::write(&file, "").expect("the directory can be written to");
        chown_to_system_user(&file);
    }

    /// Starts a stopped cluster at the same address.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "Postgres is running");
        assert!(self.try_start(), "Postgres does not start again; its log:\n{}", self.log());
    }

    /// Its whole log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn sql(&self, database: &str, statement: &str) -> String {
        let output = Command::new(program("psql"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("PGPASSWORD", &self.password)
            .args(["-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1"])
            .args(["-U", OWNER, "-d", database, "-p", &self.port.to_string(), "-c", statement])
            .output()
            .expect("psql starts: `tests/run` installs Postgres");
        assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("the encoding is UTF-8")
    }

    /// Starts the process and waits until it accepts connections or has ended.
    fn try_start(&mut self) -> bool {
        let mut child = self.spawn();
        let deadline = Instant::now() + WAIT;
        while Instant::now() < deadline {
            if child.try_wait().expect("the child can be waited for").is_some() {
                return false;
            }
            if self.accepts_connections() {
                self.child = Some(child);
                return true;
            }
            std::thread::sleep(PAUSE);
        }
        drop(child.kill());
        drop(child.wait());
        false
    }

    fn spawn(&self) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(self.directory.path().join("log"));
        let log = log.expect("a log file");
        as_system_user(&mut Command::new(program("postgres")))
            .arg("-D")
            .arg(self.directory.path().join("data"))
            // Postgres starts also where there is no IPv6.
            .args(["-c", "listen_addresses=127.0.0.1,::1"])
            .args(["-c", &format!("unix_socket_directories={}", self.directory.path().display())])
            .args(["-c", &format!("port={}", self.port), "-c", "max_connections=200"])
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            .spawn()
            .expect("postgres starts: `tests/run` installs Postgres")
    }

    fn accepts_connections(&self) -> bool {
        let status = Command::new(program("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .status();
        status.expect("pg_isready starts: `tests/run` installs Postgres").success()
    }

    fn end_with(&mut self, signal: &str) {
        let mut child = self.child.take().expect("Postgres is running");
        let pid = child.id().to_string();
        let status = Command::new("kill").args([format!("-{signal}"), pid]).status();
        assert!(status.expect("kill is on every Unix").success(), "kill -{signal}");
        let deadline = Instant::now() + WAIT;
        while child.try_wait().expect("the child can be waited for").is_none() {
            assert!(Instant::now() < deadline, "Postgres does not end; its log:\n{}", self.log());
            std::thread::sleep(PAUSE);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

fn signal<'p>(name: &str, processes: impl IntoIterator<Item = &'p str>) {
    // A process may have ended meanwhile.
    let status = Command::new("kill").arg(format!("-{name}")).args(processes).stderr(Stdio::null()).status();
    status.map(drop).expect("kill is on every Unix");
}

/// The program of the newest installed version, or the one on the path.
fn program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir(DEBIAN_VERSIONS).into_iter().flatten().flatten();
    let found = versions.map(|version| version.path().join("bin").join(name)).filter(|path| path.exists());
    let version = |path: &PathBuf| {
        let number = path.ancestors().nth(2).and_then(Path::file_name)?.to_str()?;
        number.parse::<u32>().ok()
    };
    found.max_by_key(version).unwrap_or_else(|| PathBuf::from(name))
}

fn as_system_user(command: &mut Command) -> &mut Command {
    match system_user() {
        Some((user, group)) => command.uid(user).gid(group),
        None => command,
    }
}

/// Makes a certificate for 127.0.0.1 that is its own authority, unless `extensions` say otherwise, and its key.
pub fn self_signed(name: &str, certificate: &Path, key: &Path, extensions: &[&str]) {
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-nodes",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-days",
            "30",
        ])
        .args(["-subj", &format!("/CN={name}"), "-addext", "subjectAltName=IP:127.0.0.1"])
        .args(extensions)
        .args([Path::new("-keyout"), key, Path::new("-out"), certificate])
        .output()
        .expect("openssl starts: `tests/run` installs it");
    assert!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
}

fn chown_to_system_user(path: &Path) {
    if let Some((user, group)) = system_user() {
        std::os::unix::fs::chown(path, Some(user), Some(group)).expect("root may change a file's owner");
    }
}

/// User and group id of the system user, when the test runs as root.
fn system_user() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;
    let own = std::fs::metadata("/proc/self").expect("Linux has /proc").uid();
    if own != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").expect("Linux has /etc/passwd");
    let line = users.lines().find(|line| line.split(':').next() == Some(SYSTEM_USER));
    let fields: Vec<&str> = line.expect("the Postgres package creates its user").split(':').collect();
    let id = |position: usize| fields[position].parse().expect("ids in /etc/passwd are numbers");
    Some((id(2), id(3)))
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free loopback port");
    listener.local_addr().expect("a listener has an address").port()
}
