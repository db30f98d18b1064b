//! The key that authenticates audit entries: a secret, or in development a file beside the database.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::url::DatabaseUrl;

/// Bytes of a generated key.
const KEY_BYTES: usize = 32;
/// Longest key file.
const FILE_BYTES_MAX: u64 = 1024;

/// The audit key is missing or invalid.
#[derive(Debug, thiserror::Error)]
pub enum AuditKeyError {
    /// Production never generates a key, because every replica needs the same one and it must outlive the machine.
    #[error(
        "AUDIT_KEY is not set: run `investiq secrets init`, or `openssl rand -base64 32` for this key alone"
    )]
    Missing,
    /// The text is not a key.
    #[error("the audit key must be the Base64 of at least 32 bytes, with older keys on further lines")]
    Invalid,
    /// The key file cannot be created or read.
    #[error("audit key file {path} could not be created or read")]
    File {
        /// The path of the key file.
        path: PathBuf,
        /// The I/O error.
        source: io::Error,
    },
}

/// Parses the secret `audit_key`. Without it, the key is read from a file beside the SQLite database, which is created if it
/// does not exist. Production and database servers require the secret.
///
/// # Errors
/// [`AuditKeyError`].
pub fn load_audit_key(
    secret: Option<&str>,
    url: &DatabaseUrl,
    is_production: bool,
) -> Result<audit::Key, AuditKeyError> {
    match (secret, url.sqlite_file()) {
        (Some(text), _) => parse_audit_key(text),
        (None, Some(database)) if !is_production => from_file_beside(database),
        (None, _) => Err(AuditKeyError::Missing),
    }
}

/// The key of the first line. The keys of further lines verify older entries.
///
/// # Errors
/// [`AuditKeyError::Invalid`].
pub fn parse_audit_key(text: &str) -> Result<audit::Key, AuditKeyError> {
    let mut lines = text.lines();
    let first = decode(lines.next().unwrap_or_default())?;
    let key = audit::Key::new(&first).map_err(|_| AuditKeyError::Invalid)?;
    lines.try_fold(key, |key, line| key.and_older(&decode(line)?).map_err(|_| AuditKeyError::Invalid))
}

/// The path of the key file of a SQLite database.
fn audit_key_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".audit-key");
    PathBuf::from(name)
}

fn from_file_beside(database: &Path) -> Result<audit::Key, AuditKeyError> {
    let path = audit_key_path(database);
    let text = read_or_create(&path).map_err(|source| AuditKeyError::File { path: path.clone(), source })?;
    tracing::warn!(
        path = %path.display(),
        "no audit key configured: using the key file beside the database, with which anyone who can read both can forge entries"
    );
    parse_audit_key(&text)
}

/// Reads the key file, and creates it if it does not exist. Of two processes that start together, one creates it.
fn read_or_create(path: &Path) -> io::Result<String> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::create_dir_all(directory)?;
    }
    let fresh = path.with_extension(format!("audit-key.{}", std::process::id()));
    if !path.exists() {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(STANDARD.encode(bytes).as_bytes())?;
        file.sync_all()?;
        // Fails if another process was first; its key is then used. A key file is never overwritten.
        let linked = fs::hard_link(&fresh, path);
        fs::remove_file(&fresh)?;
        linked.or_else(
            |error| if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) },
        )?;
    }
    let mut text = String::new();
    fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

fn decode(text: &str) -> Result<Vec<u8>, AuditKeyError> {
    STANDARD.decode(text.trim()).map_err(|_| AuditKeyError::Invalid)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_file_is_created_once_and_readable_by_its_owner_only() {
        let directory = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = format!("sqlite:{}/data/x.db", directory.path().display()).parse().unwrap();
        let first = load_audit_key(None, &url, false).unwrap();
        let second = load_audit_key(None, &url, false).unwrap();
        assert_eq!(first.id(), second.id());
        let path = directory.path().join("data/x.db.audit-key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path().join("data")).unwrap().count(), 1);
    }

    #[test]
    fn production_and_a_database_server_require_the_secret() {
        let file: DatabaseUrl = "sqlite:/tmp/nowhere/x.db".parse().unwrap();
        let server: DatabaseUrl = "postgres://u:p@db/x".parse().unwrap();
        for (url, is_production) in [(file, true), (server, false)] {
            assert!(matches!(load_audit_key(None, &url, is_production), Err(AuditKeyError::Missing)));
        }
    }

    #[test]
    fn the_first_line_signs_and_the_others_verify() {
        let older = audit::Key::new(&[7; 32]).unwrap();
        let entry = audit::Entry::new(jiff::Timestamp::UNIX_EPOCH, "a", "b", "c", None, "{}").unwrap();
        let (sealed, head) = audit::append(&older, &audit::Head::start(&older), entry);
        let lines = format!("{}\n{}\n", STANDARD.encode([8; 32]), STANDARD.encode([7; 32]));
        let key = parse_audit_key(&lines).unwrap();
        assert_ne!(key.id(), older.id());
        let mut verifier = audit::Verifier::new(&key);
        verifier.feed(&sealed).unwrap();
        let head = head.to_stored().verify(&key).unwrap();
        assert!(verifier.finish(&head).is_ok());
        assert!(parse_audit_key("").is_err());
    }
}
