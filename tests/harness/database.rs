//! A look into the server's database from outside, through code that is not the product's: Python's `sqlite3`, or `psql`.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Postgres, workspace_root};

/// Where a server keeps its data.
#[derive(Debug)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A database of a private cluster.
    Postgres(Postgres, String),
}

impl Database {
    /// A file in this directory, which a server makes.
    #[must_use]
    pub fn sqlite_in(directory: &Path) -> Self {
        Self::Sqlite(directory.join("investiq.db"))
    }

    /// An empty database of a Postgres cluster that is started for it.
    ///
    /// # Panics
    /// When Postgres does not start; `tests/run` installs it.
    #[must_use]
    pub fn on_postgres() -> Self {
        let (cluster, name) = (Postgres::start(), "investiq".to_owned());
        let _ = cluster.database(&name);
        Self::Postgres(cluster, name)
    }

    /// Leaves nothing in it. No server may be running on it.
    ///
    /// # Panics
    /// When a file cannot be removed, or Postgres refuses.
    pub fn clear(&self) {
        match self {
            Self::Sqlite(file) => {
                for suffix in ["", "-wal", "-shm"] {
                    let name = format!("{}{suffix}", file.display());
                    let removed = std::fs::remove_file(&name);
                    let is_gone =
                        removed.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::NotFound);
                    assert!(is_gone, "{name}: {removed:?}");
                }
            }
            Self::Postgres(cluster, name) => {
                // A server that was killed leaves connections that Postgres notices a moment later.
                cluster.run("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
                let _ = cluster.database(name);
            }
        }
    }

    /// What to configure as `DATABASE_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(cluster, name) => cluster.url(name),
        }
    }

    /// What a statement answers: a text for each column.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn rows(&self, statement: &str) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite(file) => sqlite_rows(file, statement),
            Self::Postgres(cluster, name) => cluster.rows(name, statement),
        }
    }

    /// Lets the leases of workers that are dead run out now, as they would by themselves half a minute later: of events,
    /// and of what only one process does.
    ///
    /// # Panics
    /// When the statement is refused.
    pub fn end_leases(&self) {
        drop(self.rows("UPDATE webhook_work SET lease_until = 0 WHERE state = 'leased'"));
        drop(self.rows("UPDATE leases SET lease_until = 0"));
    }

    /// The whole number that a statement answers.
    ///
    /// # Panics
    /// When it answers anything else.
    #[must_use]
    pub fn number(&self, statement: &str) -> i64 {
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
        .expect("python starts from target/venv, which `tests/run` makes");
    assert!(output.status.success(), "{statement}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("Python writes UTF-8");
    text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}
