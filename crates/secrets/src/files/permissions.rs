//! Checks whether others can read or change a secret file, depending on its location.

use rustix::fs::FileType;

use super::ReadError;
use crate::invalid::InvalidReason;
use crate::warning::Warning;

const GROUP_OR_OTHER_WRITE: u32 = 0o022;
const OTHER_READ: u32 = 0o004;
const PERMISSIONS: u32 = 0o7777;
const ROOT: u32 = 0;

#[derive(Clone, Copy, Debug)]
pub(super) struct FileMetadata {
    pub(super) kind: FileType,
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) own_uid: u32,
    pub(super) location: Location,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Location {
    Disk,
    /// On a disk, in a directory that only its owner can enter, as a developer's own `secrets/`, or directly below one.
    Private,
    /// In memory, where container engines put secrets that everyone may read.
    Memory,
    /// On a read-only mount, as a container has a directory of its host: who owns a file there is a user of the host.
    ReadOnly,
}

/// Refuses a file that others can change or that is not regular, and warns when everyone can read it.
pub(super) fn check(file: &FileMetadata) -> Result<Option<Warning>, ReadError> {
    let mode = file.mode & PERMISSIONS;
    if file.kind != FileType::RegularFile {
        return Err(ReadError::Invalid(InvalidReason::NotRegularFile { kind: kind_name(file.kind) }));
    }
    if ![ROOT, file.own_uid].contains(&file.owner) && file.location != Location::ReadOnly {
        return Err(ReadError::Invalid(InvalidReason::WrongOwner { uid: file.owner, own_uid: file.own_uid }));
    }
    if mode & GROUP_OR_OTHER_WRITE != 0 {
        let reason = InvalidReason::WritableByOthers { mode };
        return match file.location {
            // By users of the host, whose usual mode is 0664 on some systems.
            Location::ReadOnly => Ok(Some(Warning::Invalid(reason))),
            Location::Disk | Location::Private | Location::Memory => Err(ReadError::Invalid(reason)),
        };
    }
    let readable = mode & OTHER_READ != 0;
    Ok(match file.location {
        Location::Disk if readable => Some(Warning::Invalid(InvalidReason::WorldReadable { mode })),
        Location::Memory | Location::ReadOnly if readable => {
            Some(Warning::Mount(InvalidReason::WorldReadable { mode }))
        }
        Location::Disk | Location::Memory | Location::ReadOnly | Location::Private => None,
    })
}

fn kind_name(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "regular file",
        FileType::Directory => "directory",
        FileType::Symlink => "link",
        FileType::Fifo => "FIFO",
        FileType::Socket => "socket",
        FileType::CharacterDevice => "character device",
        FileType::BlockDevice => "block device",
        FileType::Unknown => "file of unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELF: u32 = 1000;

    fn metadata(mode: u32, location: Location) -> FileMetadata {
        FileMetadata { kind: FileType::RegularFile, mode, owner: SELF, own_uid: SELF, location }
    }

    #[test]
    fn every_mode_is_checked_by_location() {
        let form = |mode| Ok(Some(Warning::Invalid(InvalidReason::WorldReadable { mode })));
        let mount = |mode| Ok(Some(Warning::Mount(InvalidReason::WorldReadable { mode })));
        for location in [Location::Disk, Location::Private, Location::Memory, Location::ReadOnly] {
            for private in [0o400, 0o600, 0o440, 0o640] {
                assert_eq!(check(&metadata(private, location)), Ok(None), "{private:o} {location:?}");
            }
            for open in [0o620, 0o660, 0o602, 0o666, 0o777] {
                let reason = InvalidReason::WritableByOthers { mode: open };
                let expected = match location {
                    Location::ReadOnly => Ok(Some(Warning::Invalid(reason))),
                    _ => Err(ReadError::Invalid(reason)),
                };
                assert_eq!(check(&metadata(open, location)), expected, "{open:o} {location:?}");
            }
        }
        for readable in [0o444, 0o644] {
            assert_eq!(check(&metadata(readable, Location::Disk)), form(readable));
            assert_eq!(check(&metadata(readable, Location::Memory)), mount(readable));
            assert_eq!(check(&metadata(readable, Location::ReadOnly)), mount(readable));
            assert_eq!(check(&metadata(readable, Location::Private)), Ok(None));
        }
    }

    #[test]
    fn the_type_bits_of_a_mode_are_not_permissions() {
        assert_eq!(check(&metadata(0o100_400, Location::Disk)), Ok(None));
    }

    #[test]
    fn a_file_is_owned_by_root_or_by_us_unless_its_mount_is_read_only() {
        let other = Err(ReadError::Invalid(InvalidReason::WrongOwner { uid: 1001, own_uid: SELF }));
        for location in [Location::Disk, Location::Private, Location::Memory] {
            let owned = |owner| check(&FileMetadata { owner, ..metadata(0o400, location) });
            assert_eq!([owned(ROOT), owned(SELF), owned(1001)], [Ok(None), Ok(None), other.clone()]);
        }
        let on_host = FileMetadata { owner: 1001, ..metadata(0o400, Location::ReadOnly) };
        assert_eq!(check(&on_host), Ok(None));
    }

    #[test]
    fn only_a_regular_file_is_a_secret() {
        for kind in [FileType::Directory, FileType::Fifo, FileType::CharacterDevice, FileType::Socket] {
            let result = check(&FileMetadata { kind, ..metadata(0o400, Location::Memory) });
            assert_eq!(
                result,
                Err(ReadError::Invalid(InvalidReason::NotRegularFile { kind: kind_name(kind) }))
            );
        }
    }
}
