//! Writes secret files: atomically, without overwriting another by accident, and readable where Compose mounts them. A file that
//! is replaced is kept beside the new one, under a name that no lookup reads, until it is retired.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use secrets::SecretSpec;

use crate::failure::Failure;
use crate::git_ignore;
use crate::outcome::Outcome;

/// Only the owner can enter the directory, so its files may be readable, as the user of a container needs them.
pub(crate) const DIRECTORY_MODE: u32 = 0o700;
/// A directory within a private one may be open: it is mounted into a container, whose user is not its owner.
pub(crate) const MOUNTED_MODE: u32 = 0o755;
/// Compose mounts a file with its own mode.
pub(crate) const FILE_MODE: u32 = 0o444;
pub(crate) const PRIVATE_MODE: u32 = 0o600;
const PERMISSIONS: u32 = 0o777;
const GROUP_OR_OTHER: u32 = 0o077;

/// A directory of secret files, locked by this process until it is dropped.
pub(crate) struct SecretDirectory {
    path: PathBuf,
    /// Holds the lock.
    handle: File,
    /// Whether others could enter the directory before.
    pub(crate) was_open: bool,
}

/// What to do with a file that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    Keep,
    Replace,
}

/// A program that was started meanwhile may hold a copy of the handle, so that closing it does not release the lock.
impl Drop for SecretDirectory {
    fn drop(&mut self) {
        drop(self.handle.unlock());
    }
}

impl SecretDirectory {
    /// Creates the directory if it does not exist, sets its mode and locks it. A link is refused: with the rights of root it would
    /// open the directory of somebody else.
    pub(crate) fn open(path: &Path, wanted: u32) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::file("open", path)(error);
        match DirBuilder::new().mode(wanted).create(path) {
            Ok(()) => git_ignore::ignore_contents(path).map_err(Failure::file("prepare", path))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
        git_ignore::check(&path.join("secret"))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOTDIR | Errno::LOOP) => {
                return Err(Failure::Precondition(format!(
                    "{} is not a directory, or a link",
                    path.display()
                )));
            }
            handle => File::from(handle.map_err(|error| failed(error.into()))?),
        };
        let metadata = handle.metadata().map_err(failed)?;
        match rustix::fs::flock(&handle, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => return Err(Failure::Locked(path.to_path_buf())),
            result => result.map_err(|error| failed(error.into()))?,
        }
        let found = metadata.permissions().mode() & PERMISSIONS;
        if found != wanted {
            handle.set_permissions(Permissions::from_mode(wanted)).map_err(failed)?;
        }
        let was_open = found & !wanted != 0;
        Ok(Self { path: path.to_path_buf(), handle, was_open })
    }

    /// Gives the directory to the user and group of this number.
    pub(crate) fn give_to(&self, uid: u32) -> Result<(), Failure> {
        fchown(&self.handle, Some(uid), Some(uid)).map_err(Failure::file("change the owner of", &self.path))
    }

    /// Writes the file of a secret atomically.
    pub(crate) fn write(&self, name: &str, bytes: &[u8], existing: Existing) -> Result<Outcome, Failure> {
        let (path, temporary) = (self.path.join(name), self.path.join(format!(".{name}.new")));
        let outcome = self.replace(&temporary, &path, bytes, existing);
        if !matches!(outcome, Ok(Outcome::Created | Outcome::Replaced)) {
            drop(fs::remove_file(&temporary));
        }
        outcome.map_err(Failure::file("write", path))
    }

    /// Removes the replaced files of a secret, and returns how many there were.
    pub(crate) fn retire(&self, name: &str) -> Result<usize, Failure> {
        let failed = |error: io::Error| Failure::file("remove", self.path.join(kept_prefix(name)))(error);
        let mut removed = 0;
        for entry in fs::read_dir(&self.path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with(&kept_prefix(name)) {
                fs::remove_file(entry.path()).map_err(failed)?;
                removed += 1;
            }
        }
        self.handle.sync_all().map_err(failed)?;
        Ok(removed)
    }

    /// Keeps a file that is about to be replaced: the same file, with its mode, owner and time, under a name of its own.
    fn keep(&self, path: &Path) -> io::Result<()> {
        let prefix = kept_prefix(&path.file_name().unwrap_or_default().to_string_lossy());
        for number in 1_u32.. {
            match fs::hard_link(path, self.path.join(format!("{prefix}{number}"))) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                result => return result,
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn replace(
        &self,
        temporary: &Path,
        path: &Path,
        bytes: &[u8],
        existing: Existing,
    ) -> io::Result<Outcome> {
        // The directory is locked, so only an interrupted run can have left it.
        drop(fs::remove_file(temporary));
        let mut file = create(temporary)?;
        file.write_all(bytes)?;
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
        file.sync_all()?;
        let outcome = match rustix::fs::renameat_with(CWD, temporary, CWD, path, RenameFlags::NOREPLACE) {
            Ok(()) => Outcome::Created,
            Err(Errno::EXIST) if existing == Existing::Keep => return Ok(Outcome::Kept),
            Err(Errno::EXIST) => {
                self.keep(path)?;
                fs::rename(temporary, path)?;
                Outcome::Replaced
            }
            Err(error) => return Err(error.into()),
        };
        self.handle.sync_all()?;
        Ok(outcome)
    }
}

/// The permissions of a file or directory, if it exists.
pub(crate) fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & PERMISSIONS)
}

/// Whether only its owner can enter the directory that contains `path`.
pub(crate) fn is_within_private(path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_default();
    path.parent().and_then(mode).is_some_and(|mode| mode & GROUP_OR_OTHER == 0)
}

/// The start of the names under which replaced files of a secret are kept.
fn kept_prefix(name: &str) -> String {
    format!(".{name}.old-")
}

/// Whether there is anything at the path, even a broken link.
pub(crate) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The name of a secret's file in a directory: that of the file that exists, else the usual one. A second file would contradict it.
pub(crate) fn name_in(directory: &Path, spec: &SecretSpec) -> Result<String, Failure> {
    match &secrets::file_names_in(directory, spec)[..] {
        [] => Ok(spec.name.to_string()),
        [only] => Ok(only.clone()),
        several => {
            let paths: Vec<_> =
                several.iter().map(|name| directory.join(name).display().to_string()).collect();
            let (name, paths) = (&spec.name, paths.join(", "));
            Err(Failure::Precondition(format!("secret {name} has several files: {paths}; keep one")))
        }
    }
}

/// Creates a file with one line that only its owner can read. It must not exist.
pub(crate) fn create_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(bytes)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

/// Creates an empty file that only its owner can read. It must not exist.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(PRIVATE_MODE).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_directory_is_private_and_locked_and_its_files_are_readable() {
        let around = tempfile::tempdir().unwrap();
        set_mode(around.path(), 0o755);
        let path = around.path().join("secrets");
        let directory = SecretDirectory::open(&path, DIRECTORY_MODE).unwrap();
        assert!(matches!(SecretDirectory::open(&path, DIRECTORY_MODE), Err(Failure::Locked(_))));
        assert_eq!(directory.write("key", b"one", Existing::Keep).unwrap(), Outcome::Created);
        assert_eq!((mode(&path), mode(&path.join("key"))), (0o700, 0o444));
        assert_eq!(fs::read_to_string(path.join(".gitignore")).unwrap(), "*\n");
        drop(directory);
        set_mode(&path, 0o755);
        assert!(SecretDirectory::open(&path, DIRECTORY_MODE).unwrap().was_open);
        assert_eq!(mode(&path), 0o700);
    }

    #[test]
    fn a_link_is_not_opened_and_what_it_leads_to_is_not_changed() {
        let around = tempfile::tempdir().unwrap();
        let (target, link) = (around.path().join("target"), around.path().join("link"));
        fs::create_dir(&target).unwrap();
        set_mode(&target, 0o711);
        std::os::unix::fs::symlink(&target, &link).unwrap();
        fs::write(around.path().join("file"), "").unwrap();
        for path in [link, around.path().join("file")] {
            assert!(matches!(SecretDirectory::open(&path, DIRECTORY_MODE), Err(Failure::Precondition(_))));
        }
        assert_eq!(mode(&target), 0o711);
    }

    #[test]
    fn a_file_is_kept_or_replaced_atomically_and_nothing_is_left_over() {
        let around = tempfile::tempdir().unwrap();
        let directory = SecretDirectory::open(around.path(), DIRECTORY_MODE).unwrap();
        let path = around.path().join("key");
        let write = |text: &str, existing| directory.write("key", text.as_bytes(), existing).unwrap();
        fs::write(around.path().join(".key.new"), "left by an interrupted run").unwrap();
        assert_eq!(write("one", Existing::Replace), Outcome::Created);
        assert_eq!(write("two", Existing::Keep), Outcome::Kept);
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(fs::read_dir(around.path()).unwrap().count(), 1);
    }

    #[test]
    fn every_replaced_value_is_kept_with_its_mode_until_it_is_retired() {
        let around = tempfile::tempdir().unwrap();
        let directory = SecretDirectory::open(around.path(), DIRECTORY_MODE).unwrap();
        let write = |text: &str| directory.write("key", text.as_bytes(), Existing::Replace).unwrap();
        let path = |name: &str| around.path().join(name);
        write("one");
        fs::set_permissions(path("key"), Permissions::from_mode(0o400)).unwrap();
        assert_eq!([write("two"), write("three")], [Outcome::Replaced; 2]);
        directory.write("key_2", b"another secret", Existing::Keep).unwrap();
        let kept = |number: &str| (fs::read_to_string(path(number)).unwrap(), mode(&path(number)));
        assert_eq!(kept(".key.old-1"), ("one".to_owned(), 0o400), "as private as it was");
        assert_eq!(kept(".key.old-2"), ("two".to_owned(), 0o444));
        assert_eq!(kept("key").0, "three");
        assert_eq!(directory.retire("key").unwrap(), 2);
        assert_eq!(directory.retire("key").unwrap(), 0);
        assert_eq!((kept("key").0, fs::read_dir(around.path()).unwrap().count()), ("three".to_owned(), 2));
    }
}
