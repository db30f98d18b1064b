//! Opens a path that may be a link, but only within its directory.

use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::ReadError;
use crate::invalid::InvalidReason;

/// A FIFO without a writer must not block, and no terminal may become the controlling one.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::CLOEXEC).union(OFlags::DIRECTORY);

pub(super) struct OpenFile {
    pub(super) file: OwnedFd,
    /// The directory beneath which the path was resolved.
    pub(super) directory: OwnedFd,
}

/// Opens `name` beneath `directory`. Links are followed if they stay beneath it, as in a Kubernetes volume.
pub(super) fn open(directory: &Path, name: &Path) -> Result<OpenFile, ReadError> {
    let root = rustix::fs::openat(CWD, directory, DIRECTORY, Mode::empty()).map_err(read_error)?;
    let file = match with_openat2(&root, name) {
        // Old kernels lack the call, and old container engines forbid unknown calls.
        Err(Errno::NOSYS | Errno::PERM) => with_canonical_path(directory, name)?,
        file => file.map_err(read_error)?,
    };
    Ok(OpenFile { file, directory: root })
}

fn with_openat2(root: &OwnedFd, name: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::openat2(root, name, READ, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS)
}

/// Compares canonical paths instead. The last component may not be a link, so a swap between the two calls fails
/// instead of leading outside.
fn with_canonical_path(directory: &Path, name: &Path) -> Result<OwnedFd, ReadError> {
    let io = |error: std::io::Error| read_error(Errno::from_io_error(&error).unwrap_or(Errno::IO));
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(ReadError::Invalid(InvalidReason::OutsideDirectory));
    }
    let root = directory.canonicalize().map_err(io)?;
    let path = root.join(name).canonicalize().map_err(io)?;
    if !path.starts_with(&root) {
        return Err(ReadError::Invalid(InvalidReason::OutsideDirectory));
    }
    rustix::fs::openat(CWD, &path, READ | OFlags::NOFOLLOW, Mode::empty()).map_err(read_error)
}

pub(super) fn read_error(errno: Errno) -> ReadError {
    match errno {
        // Includes a link of a Kubernetes volume that exists before its target does.
        Errno::NOENT => ReadError::Missing,
        Errno::ACCESS | Errno::PERM => ReadError::Denied { uid: rustix::process::geteuid().as_raw() },
        Errno::XDEV | Errno::LOOP => ReadError::Invalid(InvalidReason::OutsideDirectory),
        Errno::NXIO | Errno::NODEV => {
            ReadError::Invalid(InvalidReason::NotRegularFile { kind: "socket or device" })
        }
        other => ReadError::Io(other.raw_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Both ways must agree.
    fn check(name: &str, expected: Option<&ReadError>) {
        let directory = tempfile::tempdir().unwrap();
        let mount = directory.path().join("mount");
        std::fs::create_dir_all(mount.join("..2026")).unwrap();
        std::fs::write(directory.path().join("outside"), "out").unwrap();
        std::fs::write(mount.join("plain"), "in").unwrap();
        std::fs::write(mount.join("..2026/key"), "in").unwrap();
        symlink("..2026", mount.join("..data")).unwrap();
        symlink("..data/key", mount.join("key")).unwrap();
        symlink("../outside", mount.join("escape")).unwrap();
        symlink(directory.path().join("outside"), mount.join("absolute")).unwrap();
        symlink("nowhere", mount.join("dangling")).unwrap();
        symlink("loop", mount.join("loop")).unwrap();
        let root = rustix::fs::openat(CWD, &mount, DIRECTORY, Mode::empty()).unwrap();
        let kernel = with_openat2(&root, Path::new(name)).map_err(read_error).err();
        let path = with_canonical_path(&mount, Path::new(name)).err();
        assert_eq!(kernel.as_ref(), expected, "{name} with openat2");
        assert_eq!(path.as_ref(), expected, "{name} with its canonical path");
    }

    #[test]
    fn links_that_stay_beneath_the_mount_are_followed_and_others_are_not() {
        let escapes = ReadError::Invalid(InvalidReason::OutsideDirectory);
        check("plain", None);
        check("key", None);
        check("escape", Some(&escapes));
        check("absolute", Some(&escapes));
        check("../outside", Some(&escapes));
        check("loop", Some(&escapes));
        check("dangling", Some(&ReadError::Missing));
        check("absent", Some(&ReadError::Missing));
    }

    #[test]
    fn a_denied_file_names_the_user_and_a_failing_disk_its_errno() {
        let uid = rustix::process::geteuid().as_raw();
        assert_eq!(read_error(Errno::ACCESS), ReadError::Denied { uid });
        assert_eq!(read_error(Errno::IO), ReadError::Io(5));
        assert_eq!(
            read_error(Errno::NXIO),
            ReadError::Invalid(InvalidReason::NotRegularFile { kind: "socket or device" })
        );
    }
}
