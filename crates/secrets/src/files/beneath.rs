//! Opens a path that may be a link, but may not lead out of its directory.

use std::os::fd::OwnedFd;
use std::path::{Component, Path};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::Refusal;
use crate::fault::Fault;

/// A FIFO without a writer must not hold us, and no terminal may become ours.
const READ: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::CLOEXEC).union(OFlags::DIRECTORY);

/// A file and the directory it was resolved beneath.
pub(super) struct Opened {
    pub(super) file: OwnedFd,
    pub(super) directory: OwnedFd,
}

/// Opens `leaf` beneath `directory`. Links are followed as long as they stay beneath it, as those of a Kubernetes
/// volume do.
pub(super) fn open(directory: &Path, leaf: &Path) -> Result<Opened, Refusal> {
    let root = rustix::fs::openat(CWD, directory, DIRECTORY, Mode::empty()).map_err(refusal)?;
    let file = match by_kernel(&root, leaf) {
        // Old kernels do not know the call, and old container engines forbid calls that they do not know.
        Err(Errno::NOSYS | Errno::PERM) => by_path(directory, leaf)?,
        opened => opened.map_err(refusal)?,
    };
    Ok(Opened { file, directory: root })
}

fn by_kernel(root: &OwnedFd, leaf: &Path) -> Result<OwnedFd, Errno> {
    rustix::fs::openat2(root, leaf, READ, Mode::empty(), ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS)
}

/// The same by comparing canonical paths. The last step may not be a link any more, so a swap between the two calls
/// fails instead of leading out.
fn by_path(directory: &Path, leaf: &Path) -> Result<OwnedFd, Refusal> {
    let io = |error: std::io::Error| refusal(Errno::from_io_error(&error).unwrap_or(Errno::IO));
    if !leaf.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(Refusal::Fault(Fault::Escapes));
    }
    let root = directory.canonicalize().map_err(io)?;
    let path = root.join(leaf).canonicalize().map_err(io)?;
    if !path.starts_with(&root) {
        return Err(Refusal::Fault(Fault::Escapes));
    }
    rustix::fs::openat(CWD, &path, READ | OFlags::NOFOLLOW, Mode::empty()).map_err(refusal)
}

/// What the operating system's answer means for a secret.
pub(super) fn refusal(errno: Errno) -> Refusal {
    match errno {
        // A link of a Kubernetes volume can exist before its target does: that is missing, too.
        Errno::NOENT => Refusal::Missing,
        Errno::ACCESS | Errno::PERM => Refusal::Denied { uid: rustix::process::geteuid().as_raw() },
        Errno::XDEV | Errno::LOOP => Refusal::Fault(Fault::Escapes),
        Errno::NXIO | Errno::NODEV => Refusal::Fault(Fault::NotAFile { kind: "socket or device" }),
        other => Refusal::Io(other.raw_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// Each case is tried by the kernel's way and by the other, which must agree.
    fn check(leaf: &str, expected: Option<&Refusal>) {
        let place = tempfile::tempdir().unwrap();
        let mount = place.path().join("mount");
        std::fs::create_dir_all(mount.join("..2026")).unwrap();
        std::fs::write(place.path().join("outside"), "out").unwrap();
        std::fs::write(mount.join("plain"), "in").unwrap();
        std::fs::write(mount.join("..2026/key"), "in").unwrap();
        symlink("..2026", mount.join("..data")).unwrap();
        symlink("..data/key", mount.join("key")).unwrap();
        symlink("../outside", mount.join("escape")).unwrap();
        symlink(place.path().join("outside"), mount.join("absolute")).unwrap();
        symlink("nowhere", mount.join("dangling")).unwrap();
        symlink("loop", mount.join("loop")).unwrap();
        let root = rustix::fs::openat(CWD, &mount, DIRECTORY, Mode::empty()).unwrap();
        let kernel = by_kernel(&root, Path::new(leaf)).map_err(refusal).err();
        let path = by_path(&mount, Path::new(leaf)).err();
        assert_eq!(kernel.as_ref(), expected, "{leaf} by the kernel");
        assert_eq!(path.as_ref(), expected, "{leaf} by its path");
    }

    #[test]
    fn links_that_stay_beneath_the_mount_are_followed_and_others_are_not() {
        let escapes = Refusal::Fault(Fault::Escapes);
        check("plain", None);
        check("key", None);
        check("escape", Some(&escapes));
        check("absolute", Some(&escapes));
        check("../outside", Some(&escapes));
        check("loop", Some(&escapes));
        check("dangling", Some(&Refusal::Missing));
        check("absent", Some(&Refusal::Missing));
    }

    #[test]
    fn a_refused_file_names_the_user_and_a_failing_disk_its_errno() {
        let uid = rustix::process::geteuid().as_raw();
        assert_eq!(refusal(Errno::ACCESS), Refusal::Denied { uid });
        assert_eq!(refusal(Errno::IO), Refusal::Io(5));
        assert_eq!(refusal(Errno::NXIO), Refusal::Fault(Fault::NotAFile { kind: "socket or device" }));
    }
}
