//! Writes secret files: atomically, without overwriting another by accident, and readable where Compose mounts them. A file that
//! is replaced is kept beside the new one, under a name that no lookup reads, until it is retired.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, DirEntry, File, OpenOptions, Permissions};
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
const GROUP_READS: u32 = 0o050;
const OTHER: u32 = 0o007;
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
    /// Creates the directory with the mode `wanted`, or takes rights that are not needed from one that exists, and locks it. A link
    /// is refused: with the rights of root it would open the directory of somebody else.
    pub(crate) fn open(path: &Path, wanted: u32) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::file("open", path)(error);
        match DirBuilder::new().mode(wanted).create(path) {
            Ok(()) => git_ignore::ignore_contents(path).map_err(Failure::file("prepare", path))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
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
        // Closed to others, but not to its group: that is the server's.
        let is_for_group = wanted == DIRECTORY_MODE && found & OTHER == 0;
        let mode = if is_for_group { wanted | found & GROUP_READS } else { wanted };
        if found != mode {
            handle.set_permissions(Permissions::from_mode(mode)).map_err(failed)?;
        }
        let was_open = found & !mode != 0;
        Ok(Self { path: path.to_path_buf(), handle, was_open })
    }

    /// Gives the directory to the user and group of this number.
    pub(crate) fn give_to(&self, uid: u32) -> Result<(), Failure> {
        fchown(&self.handle, Some(uid), Some(uid)).map_err(Failure::file("change the owner of", &self.path))
    }

    /// Writes the file of a secret atomically.
    pub(crate) fn write(&self, name: &str, bytes: &[u8], existing: Existing) -> Result<Outcome, Failure> {
        let (path, temporary) = (self.path.join(name), self.path.join(format!(".{name}.new")));
        git_ignore::check(&[&path, &temporary, &self.path.join(format!("{}1", kept_prefix(name)))])?;
        let outcome = self.replace(&temporary, &path, bytes, existing);
        if !matches!(outcome, Ok(Outcome::Created | Outcome::Replaced)) {
            drop(fs::remove_file(&temporary));
        }
        outcome.map_err(Failure::file("write", path))
    }

    /// The replaced files of a secret, under any of its names.
    pub(crate) fn kept(&self, spec: &SecretSpec) -> Result<Vec<PathBuf>, Failure> {
        let prefixes: Vec<String> = spec.file_names().map(|name| kept_prefix(&name)).collect();
        let is_kept =
            |name: &OsStr| prefixes.iter().any(|prefix| name.to_string_lossy().starts_with(prefix.as_str()));
        let entries = fs::read_dir(&self.path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(Failure::file("open", &self.path))?;
        let kept = entries.iter().filter(|entry| is_kept(&entry.file_name()));
        Ok(kept.map(DirEntry::path).collect())
    }

    /// Removes files of the directory.
    pub(crate) fn remove(&self, files: &[PathBuf]) -> Result<(), Failure> {
        files.iter().try_for_each(|file| fs::remove_file(file).map_err(Failure::file("remove", file)))?;
        self.handle.sync_all().map_err(Failure::file("sync", &self.path))
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
        for (found, expected, was_open) in
            [(0o755, 0o700, true), (0o1777, 0o700, true), (0o770, 0o750, true), (0o750, 0o750, false)]
        {
            set_mode(&path, found);
            assert_eq!(SecretDirectory::open(&path, DIRECTORY_MODE).unwrap().was_open, was_open, "{found:o}");
            assert_eq!(mode(&path), expected, "{found:o}");
        }
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
        fs::rename(path("key"), path("api_keys")).unwrap();
        fs::rename(path(".key.old-1"), path(".api_keys.txt.old-1")).unwrap();
        fs::rename(path(".key.old-2"), path(".api_keys.old-2")).unwrap();
        let catalogue = secrets::Catalogue::product();
        let spec = catalogue.get("api_keys").unwrap();
        let replaced = directory.kept(spec).unwrap();
        assert_eq!(replaced.len(), 2, "{replaced:?}");
        directory.remove(&replaced).unwrap();
        assert_eq!(directory.kept(spec).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(
            (kept("api_keys").0, fs::read_dir(around.path()).unwrap().count()),
            ("three".to_owned(), 2)
        );
    }
}
