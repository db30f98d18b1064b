//! The key that authenticates audit entries: the secret `audit_key`, or on one person's machine one that is made there.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use ::secrets::{Kind, SecretHandle};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use store::DatabaseUrl;

use crate::config::Profile;

/// Bytes of a key that is made here.
const KEY_BYTES: usize = 32;
/// Longest file of a key, in bytes.
const FILE_BYTES_MAX: u64 = 1024;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum AuditKeyError {
    /// Production makes none: every replica must have the same, and it must outlive the machine.
    #[error(
        "AUDIT_KEY is not set: `investiq secrets init` makes one among all others, `openssl rand -base64 32` makes one alone"
    )]
    Missing,
    /// The secret cannot be read.
    #[error("read the audit key")]
    Secret(#[source] ::secrets::Error),
    /// It is no key.
    #[error("the audit key is not the Base64 of at least 32 bytes, with older ones on further lines")]
    Form,
    /// The file beside the database cannot be made or read.
    #[error("make or read the audit key {path}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The key of the secret, older versions that are still accepted included. Without one, a file beside the SQLite database
/// has it, which is made when it is not there; production, and a database that others share, demand the secret.
///
/// # Errors
/// Why there is none.
pub fn find(profile: Profile, handle: &SecretHandle, url: &DatabaseUrl) -> Result<audit::Key, AuditKeyError> {
    let set = match handle.load() {
        Ok(set) => set,
        Err(error) if error.kind() == Kind::NotFound => return beside(profile, url),
        Err(error) => return Err(AuditKeyError::Secret(error)),
    };
    let texts = set.accepted().map(|version| version.value().expose_text().unwrap_or_default());
    of_lines(texts.flat_map(str::lines))
}

/// The key of the first line; entries written under those of the others are still checked.
///
/// # Errors
/// [`AuditKeyError::Form`].
pub fn of_lines<'a>(mut lines: impl Iterator<Item = &'a str>) -> Result<audit::Key, AuditKeyError> {
    let first = read(lines.next().unwrap_or_default())?;
    let key = audit::Key::new(&first).map_err(|_| AuditKeyError::Form)?;
    lines.try_fold(key, |key, line| key.and_older(&read(line)?).map_err(|_| AuditKeyError::Form))
}

/// Where the key of this database lies when no secret holds it.
#[must_use]
pub fn file_beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".audit-key");
    PathBuf::from(name)
}

fn beside(profile: Profile, url: &DatabaseUrl) -> Result<audit::Key, AuditKeyError> {
    let Some(database) = url.sqlite_file().filter(|_| profile != Profile::Production) else {
        return Err(AuditKeyError::Missing);
    };
    let path = file_beside(database);
    let text = made_once(&path).map_err(|source| AuditKeyError::File { path: path.clone(), source })?;
    tracing::warn!(
        path = %path.display(),
        "NO AUDIT KEY is set: a file beside the database has one; who can read both can forge entries"
    );
    audit::Key::new(&read(&text)?).map_err(|_| AuditKeyError::Form)
}

/// The text of the file, which is made when it is not there. Of two processes that start together one makes it.
fn made_once(path: &Path) -> io::Result<String> {
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
        // Fails where another process was first: then its key counts. Never written over: entries depend on it.
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

fn read(text: &str) -> Result<Vec<u8>, AuditKeyError> {
    STANDARD.decode(text.trim()).map_err(|_| AuditKeyError::Form)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let url: DatabaseUrl = format!("sqlite:{}/data/x.db", directory.path().display()).parse().unwrap();
        let first = beside(Profile::Development, &url).unwrap();
        let second = beside(Profile::Staging, &url).unwrap();
        assert_eq!(first.id(), second.id());
        let path = directory.path().join("data/x.db.audit-key");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path().join("data")).unwrap().count(), 1);
    }

    #[test]
    fn the_first_line_writes_and_the_others_still_check() {
        let older = audit::Key::new(&[7; 32]).unwrap();
        let entry = audit::Entry::new(jiff::Timestamp::UNIX_EPOCH, "a", "b", "c", None, "{}").unwrap();
        let (sealed, head) = audit::chain(&older, &audit::Head::start(&older), entry);
        let lines = format!("{}\n{}\n", STANDARD.encode([8; 32]), STANDARD.encode([7; 32]));
        let key = of_lines(lines.lines()).unwrap();
        assert_ne!(key.id(), older.id());
        let mut verifier = audit::Verifier::new(&key);
        verifier.feed(&sealed).unwrap();
        let head = head.written().open(&key).unwrap();
        assert!(verifier.finish(&head).is_ok());
        assert!(of_lines("".lines()).is_err());
    }

    #[test]
    fn production_and_a_shared_database_demand_the_secret() {
        let file: DatabaseUrl = "sqlite:/tmp/nowhere/x.db".parse().unwrap();
        let shared: DatabaseUrl = "postgres://u:p@db/x".parse().unwrap();
        for (profile, url) in [(Profile::Production, file), (Profile::Development, shared)] {
            assert!(matches!(beside(profile, &url), Err(AuditKeyError::Missing)));
        }
    }
}
