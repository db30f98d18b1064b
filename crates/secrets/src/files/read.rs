//! Reads one secret file consistently, or reports that it kept changing.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FileType, Stat, StatVfsMountFlags};
use zeroize::Zeroizing;

use super::ReadError;
use super::beneath::{self, OpenFile};
use super::permissions::{self, FileMetadata, Location};
use crate::invalid::InvalidReason;
use crate::value::{SECRET_BYTES_MAX, SecretValue};
use crate::warning::Warning;

/// Attempts to read a file that changes while it is read.
const ATTEMPTS_MAX: usize = 5;
/// Gives a writer time to finish.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(5);

/// Magic numbers of Linux's memory file systems, from `linux/magic.h`.
const TMPFS_MAGIC: i64 = 0x0102_1994;
const RAMFS_MAGIC: i64 = 0x8584_58f6;
const GROUP_OR_OTHER: u32 = 0o077;

#[derive(Debug)]
pub(crate) struct SecretFile {
    pub(crate) bytes: SecretValue,
    pub(crate) modified: SystemTime,
    pub(crate) warning: Option<Warning>,
}

/// Reads `name` beneath `directory`.
pub(super) fn read(directory: &Path, name: &Path) -> Result<SecretFile, ReadError> {
    for attempt in 0..ATTEMPTS_MAX {
        if attempt > 0 {
            std::thread::sleep(ATTEMPT_PAUSE);
        }
        // Opened again each time, because a rename may have replaced the file.
        if let Some(file) = attempt_once(beneath::open(directory, name)?, read_bounded)? {
            return Ok(file);
        }
    }
    Err(ReadError::Invalid(InvalidReason::ChangedDuringRead))
}

/// `None` when the file changed during `read`.
fn attempt_once(
    opened: OpenFile,
    read: impl FnOnce(&mut File) -> Result<Zeroizing<Vec<u8>>, ReadError>,
) -> Result<Option<SecretFile>, ReadError> {
    let before = rustix::fs::fstat(&opened.file).map_err(beneath::read_error)?;
    let warning = permissions::check(&metadata(&before, &opened)?)?;
    let mut file = File::from(opened.file);
    let bytes = read(&mut file)?;
    let after = rustix::fs::fstat(file.as_fd()).map_err(beneath::read_error)?;
    if stamp(&before) != stamp(&after) || u64::try_from(after.st_size) != u64::try_from(bytes.len()) {
        return Ok(None);
    }
    Ok(Some(SecretFile { bytes: SecretValue::from_slice(&bytes), modified: modified(&after), warning }))
}

/// Reads at most one byte more than allowed, to detect a larger file. The buffer never grows, so that no copy of its
/// contents remains in memory.
fn read_bounded(file: &mut File) -> Result<Zeroizing<Vec<u8>>, ReadError> {
    let mut buffer = Zeroizing::new(vec![0; SECRET_BYTES_MAX + 1]);
    let mut filled = 0;
    loop {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ReadError::Io(error.raw_os_error().unwrap_or_default())),
        }
    }
    if filled > SECRET_BYTES_MAX {
        return Err(ReadError::Invalid(InvalidReason::TooLarge { limit: SECRET_BYTES_MAX }));
    }
    buffer.truncate(filled);
    Ok(buffer)
}

fn metadata(stat: &Stat, opened: &OpenFile) -> Result<FileMetadata, ReadError> {
    Ok(FileMetadata {
        kind: FileType::from_raw_mode(stat.st_mode),
        mode: stat.st_mode,
        owner: stat.st_uid,
        own_uid: rustix::process::geteuid().as_raw(),
        location: location(&opened.file, &opened.directory)?,
    })
}

fn location(file: &OwnedFd, directory: &OwnedFd) -> Result<Location, ReadError> {
    let memory = rustix::fs::fstatfs(file).map_err(beneath::read_error)?.f_type;
    let mount = rustix::fs::fstatvfs(file).map_err(beneath::read_error)?;
    if mount.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return Ok(Location::ReadOnly);
    }
    if matches!(memory, TMPFS_MAGIC | RAMFS_MAGIC) {
        return Ok(Location::Memory);
    }
    let own = rustix::fs::fstat(directory).map_err(beneath::read_error)?;
    // `secrets/live`, which a container mounts, is open within a private `secrets`.
    let outer = rustix::fs::statat(directory, "..", AtFlags::empty());
    let is_private = [Ok(own), outer].iter().flatten().any(|stat| stat.st_mode & GROUP_OR_OTHER == 0);
    Ok(if is_private { Location::Private } else { Location::Disk })
}

/// Differs when a file was written to or replaced.
fn stamp(stat: &Stat) -> impl PartialEq + use<> {
    (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec)
}

fn modified(stat: &Stat) -> SystemTime {
    let nanos = u32::try_from(stat.st_mtime_nsec).unwrap_or_default();
    match u64::try_from(stat.st_mtime) {
        Ok(seconds) => SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos),
        Err(_) => SystemTime::UNIX_EPOCH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a file and calls `meanwhile` between the two checks.
    fn attempt(meanwhile: impl FnOnce(&Path)) -> Option<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "aaaa").unwrap();
        let opened = beneath::open(directory.path(), Path::new("key")).unwrap();
        let read_with_change = |file: &mut File| {
            let bytes = read_bounded(file);
            meanwhile(&path);
            bytes
        };
        let file = attempt_once(opened, read_with_change).unwrap();
        file.map(|file| file.bytes.expose_text().unwrap().to_owned())
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_read_again() {
        let later = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
        assert_eq!(attempt(|_| {}).as_deref(), Some("aaaa"));
        assert_eq!(attempt(|path| std::fs::write(path, "aaaab").unwrap()), None, "longer");
        assert_eq!(attempt(|path| std::fs::write(path, "").unwrap()), None, "emptied");
        let same_length = |path: &Path| {
            std::fs::write(path, "bbbb").unwrap();
            File::options().write(true).open(path).unwrap().set_modified(later).unwrap();
        };
        assert_eq!(attempt(same_length), None, "the same length");
        // The opened file is complete; the next read finds its successor.
        let replace = |path: &Path| {
            let next = path.with_extension("next");
            std::fs::write(&next, "bbbb").unwrap();
            std::fs::rename(&next, path).unwrap();
        };
        assert_eq!(attempt(replace).as_deref(), Some("aaaa"));
    }
}
