//! PgBouncer in transaction mode in front of a cluster: each transaction may run in another server process.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::{OWNER, PAUSE, Postgres, WAIT, as_system_user, chown_to_system_user, free_port};

/// Where Debian installs it; `sbin` is not on every path.
const PROGRAM: &str = "/usr/sbin/pgbouncer";
/// Server processes that all clients of one database share.
const POOL: u32 = 4;

/// A running pooler; it ends when dropped.
#[derive(Debug)]
pub struct PgBouncer {
    directory: tempfile::TempDir,
    port: u16,
    child: Child,
}

impl PgBouncer {
    /// Starts a pooler of all databases of a cluster. It replaces each server process after a second, so that a client meets
    /// several of them.
    pub fn start(cluster: &Postgres) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let port = free_port();
        let (server, password) = (cluster.port, &cluster.password);
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={server} user={OWNER} password={password}\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
             auth_type = any\npool_mode = transaction\ndefault_pool_size = {POOL}\n\
             max_client_conn = 1000\nserver_lifetime = 1\nserver_login_retry = 1\nlogfile = {}\n",
            directory.path().join("log").display()
        );
        let file = directory.path().join("pgbouncer.ini");
        std::fs::write(&file, settings).expect("the directory can be written to");
        chown_to_system_user(directory.path());
        chown_to_system_user(&file);
        let child = as_system_user(&mut Command::new(PROGRAM))
            .args(["-q"])
            .arg(&file)
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("pgbouncer starts: `tests/run` installs it");
        let pooler = Self { directory, port, child };
        let deadline = Instant::now() + WAIT;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "PgBouncer does not listen; its log:\n{}", pooler.log());
            std::thread::sleep(PAUSE);
        }
        pooler
    }

    /// The URL of a database through the pooler.
    pub fn url(&self, name: &str) -> String {
        format!("postgres://{OWNER}@127.0.0.1:{}/{name}", self.port)
    }

    /// Its whole log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
