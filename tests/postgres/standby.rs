//! A second cluster that follows a primary, and takes its place.

use std::process::Command;

use super::{OWNER, Postgres, STARTS_MAX, as_system_user, free_port, program};

impl Postgres {
    /// A standby that follows this cluster, from which it can be read.
    pub fn standby(&self) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        super::chown_to_system_user(directory.path());
        let output = as_system_user(&mut Command::new(program("pg_basebackup")))
            .env("PGPASSWORD", &self.password)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", OWNER])
            // It writes what a standby needs to connect, and streams what is committed meanwhile.
            .args(["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "-D"])
            .arg(directory.path().join("data"))
            .current_dir(directory.path())
            .output()
            .expect("pg_basebackup starts: `tests/run` installs Postgres");
        assert!(output.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&output.stderr));
        let mut standby = Self { directory, port: 0, password: self.password.clone(), child: None };
        for _ in 0..STARTS_MAX {
            standby.port = free_port();
            if standby.try_start() {
                return standby;
            }
        }
        panic!("the standby does not start; its log:\n{}", standby.log())
    }

    /// Commits on this cluster wait from now on until its standby has them on disk.
    pub fn replicate_synchronously(&self) {
        self.execute("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.execute("postgres", "SELECT pg_reload_conf()");
    }

    /// Makes a standby receive nothing more, as if the network between the clusters were down.
    pub fn stop_following(&self) {
        self.execute("postgres", "ALTER SYSTEM SET primary_conninfo = ''");
        self.execute("postgres", "SELECT pg_reload_conf()");
    }

    /// Makes a standby the primary, and waits until it accepts writes.
    pub fn promote(&self) {
        assert_eq!(self.rows("postgres", "SELECT pg_promote()"), [["t"]]);
    }
}
