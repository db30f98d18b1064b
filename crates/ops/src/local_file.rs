//! Writes secret files: whole or not at all, never over another one by accident, readable where Compose mounts them.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags};
use rustix::io::Errno;

use crate::failure::Failure;

/// No one but the owner enters the directory, so its files may be readable, as a container's user needs them.
const DIRECTORY_MODE: u32 = 0o700;
/// Compose mounts a file with its own mode.
const FILE_MODE: u32 = 0o444;
const PRIVATE_MODE: u32 = 0o600;
const PERMISSIONS: u32 = 0o777;

/// A directory of secret files, held by this process alone until it is dropped.
pub(crate) struct SecretDirectory {
    path: PathBuf,
    /// Its lock ends with it.
    opened: File,
    /// Whether its mode had to be put right.
    pub(crate) was_open: bool,
}

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// There was none.
    Created,
    /// There was one, and it is as it was.
    Kept,
    /// There was one, and the new one took its place.
    Replaced,
}

/// What happens to a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

impl SecretDirectory {
    /// Makes the directory if there is none, closes it to others, and holds it.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::file("opening", path)(error);
        match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let opened = File::open(path).map_err(failed)?;
        let facts = opened.metadata().map_err(failed)?;
        if !facts.is_dir() {
            return Err(Failure::Precondition(format!("{} is not a directory", path.display())));
        }
        match rustix::fs::flock(&opened, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Err(Failure::Busy(path.to_path_buf())),
            held => held.map_err(|error| failed(error.into()))?,
        }
        let was_open = facts.permissions().mode() & PERMISSIONS != DIRECTORY_MODE;
        if was_open {
            opened.set_permissions(Permissions::from_mode(DIRECTORY_MODE)).map_err(failed)?;
        }
        Ok(Self { path: path.to_path_buf(), opened, was_open })
    }

    /// Writes a secret's file, whole or not at all.
    pub(crate) fn write(&self, name: &str, bytes: &[u8], existing: Existing) -> Result<Written, Failure> {
        let (path, fresh) = (self.path.join(name), self.path.join(format!(".{name}.new")));
        let outcome = self.replace(&fresh, &path, bytes, existing);
        if !matches!(outcome, Ok(Written::Created | Written::Replaced)) {
            drop(fs::remove_file(&fresh));
        }
        outcome.map_err(Failure::file("writing", path))
    }

    fn replace(&self, fresh: &Path, path: &Path, bytes: &[u8], existing: Existing) -> io::Result<Written> {
        // The name is free: the directory is held, and what an interrupted run left there is of no use.
        drop(fs::remove_file(fresh));
        let mut file = create(fresh)?;
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
        file.sync_all()?;
        let written = match rustix::fs::renameat_with(CWD, fresh, CWD, path, RenameFlags::NOREPLACE) {
            Ok(()) => Written::Created,
            Err(Errno::EXIST) if existing == Existing::Keep => return Ok(Written::Kept),
            Err(Errno::EXIST) => {
                fs::rename(fresh, path)?;
                Written::Replaced
            }
            Err(error) => return Err(error.into()),
        };
        self.opened.sync_all()?;
        Ok(written)
    }
}

/// Whether something lies at a path, even a link that leads nowhere.
pub(crate) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// Creates a file that its owner alone can read. There must be none.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// The same, to be written bit by bit.
pub(crate) fn new_private(path: &Path) -> io::Result<File> {
    create(path)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(PRIVATE_MODE).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_directory_is_closed_and_held_and_its_files_are_readable() {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("secrets");
        let directory = SecretDirectory::open(&path).unwrap();
        assert!(matches!(SecretDirectory::open(&path), Err(Failure::Busy(_))));
        assert_eq!(directory.write("key", b"one", Existing::Keep).unwrap(), Written::Created);
        assert_eq!((mode(&path), mode(&path.join("key"))), (0o700, 0o444));
        drop(directory);
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        assert!(SecretDirectory::open(&path).unwrap().was_open);
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn a_file_is_kept_or_replaced_whole_and_nothing_is_left_over() {
        let around = tempfile::tempdir().unwrap();
        let directory = SecretDirectory::open(around.path()).unwrap();
        let path = around.path().join("key");
        let write = |text: &str, existing| directory.write("key", text.as_bytes(), existing).unwrap();
        fs::write(around.path().join(".key.new"), "left by an interrupted run").unwrap();
        assert_eq!(write("one", Existing::Replace), Written::Created);
        assert_eq!(write("two", Existing::Keep), Written::Kept);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(write("three", Existing::Replace), Written::Replaced);
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        assert_eq!(fs::read_dir(around.path()).unwrap().count(), 1);
    }
}
