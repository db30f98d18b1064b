//! Reads the server's database through code that is not the product's: Python's `sqlite3`, or `psql`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Postgres, workspace_root};

#[derive(Debug)]
pub enum Database {
    Sqlite(PathBuf),
    /// A private cluster, and the name of its database.
    Postgres(Postgres, String),
}

impl Database {
    /// A file in this directory; the server creates it.
    pub fn sqlite_in(directory: &Path) -> Self {
        Self::Sqlite(directory.join("investiq.db"))
    }

    /// An empty database of its own Postgres cluster.
    pub fn on_postgres() -> Self {
        let (cluster, name) = (Postgres::start(), "investiq".to_owned());
        let _ = cluster.create_database(&name);
        Self::Postgres(cluster, name)
    }

    /// Empties it. No server may be using it.
    pub fn clear(&self) {
        match self {
            Self::Sqlite(file) => {
                for suffix in ["", "-wal", "-shm", ".checkpoint"] {
                    let name = format!("{}{suffix}", file.display());
                    let removed = std::fs::remove_file(&name);
                    let is_gone =
                        removed.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::NotFound);
                    assert!(is_gone, "{name}: {removed:?}");
                }
            }
            Self::Postgres(cluster, name) => {
                // A server that was killed leaves connections that Postgres notices a moment later.
                cluster.execute("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
                let _ = cluster.create_database(name);
            }
        }
    }

    /// The value of `DATABASE_URL`.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(cluster, name) => cluster.url(name),
        }
    }

    /// The rows that a statement returns, as text.
    pub fn rows(&self, statement: &str) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite(file) => sqlite_rows(file, statement),
            Self::Postgres(cluster, name) => cluster.rows(name, statement),
        }
    }

    /// Expires the leases of dead workers and leaders now; by themselves they would expire half a minute later.
    pub fn expire_leases(&self) {
        drop(self.rows("UPDATE webhook_jobs SET lease_until = 0 WHERE state = 'leased'"));
        drop(self.rows("UPDATE leader_leases SET lease_until = 0"));
    }

    /// The whole number that a statement returns; 0 when it returns NULL.
    pub fn integer(&self, statement: &str) -> i64 {
        let rows = self.rows(statement);
        let value = rows.first().and_then(|row| row.first()).unwrap_or_else(|| panic!("{statement}: no row"));
        // Postgres sums whole numbers into decimals, and a sum of nothing is empty.
        if value.is_empty() { 0 } else { value.parse().unwrap_or_else(|_| panic!("{statement}: {value}")) }
    }
}

fn sqlite_rows(file: &Path, statement: &str) -> Vec<Vec<String>> {
    let script = "import sqlite3, sys\n\
        for row in sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None).execute(sys.argv[2]):\n\
        \x20   print('\\t'.join('' if value is None else str(value) for value in row))\n";
    let output = Command::new(workspace_root().join("target/venv/bin/python"))
        .args(["-c", script])
        .arg(file)
        .arg(statement)
        .output()
        .expect("python starts from target/venv, which `tests/run` creates");
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("Python writes UTF-8");
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}
