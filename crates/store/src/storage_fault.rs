//! Why a database must not be used any more.

use std::path::PathBuf;

/// The database is not the one in which deliveries were acknowledged, or would lose them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageFault {
    /// There is a checkpoint and no database.
    #[error("database file {path} is missing")]
    Missing {
        /// The database file.
        path: PathBuf,
    },
    /// A file of an open database has another number, or none.
    #[error("file {path} was removed, moved or replaced while it was in use")]
    Moved {
        /// The database file, its log or its index.
        path: PathBuf,
    },
    /// The database has the identity of another one, or none.
    #[error("the database was replaced by another one")]
    OtherDatabase,
    /// The database does not have the newest audit entry that it had before.
    #[error("the database was replaced by an older copy: audit entry {sequence} is missing")]
    OlderCopy {
        /// The number of the entry.
        sequence: u64,
    },
    /// A setting of the server was turned off.
    #[error("Postgres runs with {setting}=off and would lose acknowledged events: turn it on")]
    NotDurable {
        /// `synchronous_commit`, `fsync` or `full_page_writes`.
        setting: &'static str,
    },
}

impl StorageFault {
    /// The fault for clients, without paths and numbers.
    #[must_use]
    pub const fn summary(&self) -> &'static str {
        match self {
            Self::Missing { .. } | Self::Moved { .. } => "the database file was removed or replaced",
            Self::OtherDatabase => "the database was replaced by another one",
            Self::OlderCopy { .. } => "the database was replaced by an older copy",
            Self::NotDurable { .. } => "the database would lose what it acknowledges",
        }
    }
}
