//! The key that authenticates audit entries: a secret, or in development a file beside the database.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::url::DatabaseUrl;

/// Only the owner has access, as to the directory of a database.
const DIRECTORY_MODE: u32 = 0o700;
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
    /// Entries exist that could not be verified any more.
    #[error("the new audit key lacks a key that is in use: keep the older keys on further lines")]
    OlderKeyMissing,
}

/// The key of an open store, which can be replaced.
#[derive(Clone)]
pub(crate) struct SharedKey {
    key: Arc<ArcSwap<audit::Key>>,
    changes: Arc<AtomicU64>,
}

impl SharedKey {
    pub(crate) fn new(key: audit::Key) -> Self {
        Self { key: Arc::new(ArcSwap::from_pointee(key)), changes: Arc::default() }
    }

    pub(crate) fn load(&self) -> Arc<audit::Key> {
        self.key.load_full()
    }

    /// # Errors
    /// [`AuditKeyError::OlderKeyMissing`]; the key in use does not change.
    pub(crate) fn replace(&self, key: audit::Key) -> Result<(), AuditKeyError> {
        if !key.contains(&self.load()) {
            return Err(AuditKeyError::OlderKeyMissing);
        }
        self.key.store(Arc::new(key));
        self.changes.fetch_add(1, Ordering::Release);
        Ok(())
    }

    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
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
    match find_audit_key(secret, url, is_production)? {
        Some(key) => Ok(key),
        None => parse_audit_key(&read_beside(url.sqlite_file().ok_or(AuditKeyError::Missing)?)?),
    }
}

/// As [`load_audit_key`], but `None` for a key file that is yet to be created. Outside production, a key file verifies the
/// entries that were written before the secret was set.
///
/// # Errors
/// [`AuditKeyError`].
pub fn find_audit_key(
    secret: Option<&str>,
    url: &DatabaseUrl,
    is_production: bool,
) -> Result<Option<audit::Key>, AuditKeyError> {
    let beside = url.sqlite_file().filter(|_| !is_production);
    let older = beside.filter(|database| audit_key_path(database).exists()).map(read_beside).transpose()?;
    match (secret, older) {
        (Some(secret), Some(older)) => parse_audit_key(&format!("{secret}\n{older}")).map(Some),
        (Some(keys), None) => parse_audit_key(keys).map(Some),
        (None, Some(keys)) => parse_audit_key(&keys).map(Some),
        (None, None) if beside.is_some() => Ok(None),
        (None, None) => Err(AuditKeyError::Missing),
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
#[must_use]
pub fn audit_key_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".audit-key");
    PathBuf::from(name)
}

fn read_beside(database: &Path) -> Result<String, AuditKeyError> {
    let path = audit_key_path(database);
    read_or_create(&path).map_err(|source| AuditKeyError::File { path, source })
}

/// Reads the key file, and creates it if it does not exist. Of two processes that start together, one creates it.
fn read_or_create(path: &Path) -> io::Result<String> {
    if let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) {
        fs::DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(directory)?;
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
    fn a_secret_that_is_set_later_keeps_the_key_of_the_file_outside_production() {
        let directory = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = format!("sqlite:{}/x.db", directory.path().display()).parse().unwrap();
        let generated = load_audit_key(None, &url, false).unwrap();
        let secret = STANDARD.encode([8; 32]);
        let find = |is_production| find_audit_key(Some(&secret), &url, is_production).unwrap().unwrap();
        assert_ne!(find(false).id(), generated.id());
        assert!(find(false).contains(&generated) && !find(true).contains(&generated));
    }

    #[test]
    fn production_and_a_database_server_require_the_secret() {
        let file: DatabaseUrl = "sqlite:/tmp/nowhere/x.db".parse().unwrap();
        let server: DatabaseUrl = "postgres://u:p@db/x".parse().unwrap();
        for (url, is_production) in [(file, true), (server, false)] {
            assert!(matches!(load_audit_key(None, &url, is_production), Err(AuditKeyError::Missing)));
        }
    }

    #[tokio::test]
    async fn a_new_key_is_used_by_an_open_store_and_one_without_the_older_keys_is_refused() {
        const NOW: jiff::Timestamp = jiff::Timestamp::UNIX_EPOCH;
        let directory = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = format!("sqlite:{}/x.db", directory.path().display()).parse().unwrap();
        let (old, new) = (audit::Key::new(&[7; 32]).unwrap(), audit::Key::new(&[8; 32]).unwrap());
        let store = crate::Store::open(crate::StoreConfig::new(url), old.clone(), NOW).await.unwrap();
        let record = async || {
            let detail = serde_json::json!({});
            store.record_audit(crate::Actor::named("test"), "a", "b", &detail, NOW).await.unwrap();
        };
        record().await;
        assert!(matches!(store.set_audit_key(new.clone()), Err(AuditKeyError::OlderKeyMissing)));
        assert_eq!(store.audit_key_id(), old.id());
        let both = new.clone().and_older(&[7; 32]).unwrap();
        // Accepted, and not used yet.
        store.set_audit_key(both.clone().with_current(old.id()).unwrap()).unwrap();
        record().await;
        assert_eq!(store.audit_head().await.unwrap().key, old.id());
        store.set_audit_key(both).unwrap();
        record().await;
        assert_eq!(store.audit_head().await.unwrap().key, new.id());
        assert_eq!(store.verify_audit(None, |_, _| {}).await.unwrap().entries, 3);
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
