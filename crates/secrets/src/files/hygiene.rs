//! Who else can read or change a secret file, and whether that matters where it lies.

use rustix::fs::FileType;

use super::Refusal;
use crate::fault::Fault;
use crate::warning::Warning;

const GROUP_OR_OTHER_WRITE: u32 = 0o022;
const OTHER_READ: u32 = 0o004;
const PERMISSIONS: u32 = 0o7777;
const ROOT: u32 = 0;

/// What the operating system says of an open file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    pub(super) kind: FileType,
    pub(super) mode: u32,
    pub(super) owner: u32,
    pub(super) own_uid: u32,
    pub(super) place: Place,
}

/// Where a file lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On a disk.
    Disk,
    /// In a directory that only its owner can enter, as a person's own `secrets/`.
    Private,
    /// In memory, or on a mount that cannot be written to: where container engines put secrets, for all to read.
    Mount,
}

/// Refuses a file that others can change or that is none, and says when others can read it.
pub(super) fn judge(facts: &Facts) -> Result<Option<Warning>, Refusal> {
    let mode = facts.mode & PERMISSIONS;
    if facts.kind != FileType::RegularFile {
        return Err(Refusal::Fault(Fault::NotAFile { kind: word(facts.kind) }));
    }
    if facts.owner != ROOT && facts.owner != facts.own_uid {
        return Err(Refusal::Fault(Fault::Owner { uid: facts.owner, own_uid: facts.own_uid }));
    }
    if mode & GROUP_OR_OTHER_WRITE != 0 {
        return Err(Refusal::Fault(Fault::Writable { mode }));
    }
    let readable = mode & OTHER_READ != 0;
    Ok(match facts.place {
        Place::Disk if readable => Some(Warning::Form(Fault::Readable { mode })),
        Place::Mount if readable => Some(Warning::Mount(Fault::Readable { mode })),
        Place::Disk | Place::Mount | Place::Private => None,
    })
}

fn word(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "regular file",
        FileType::Directory => "directory",
        FileType::Symlink => "link",
        FileType::Fifo => "FIFO",
        FileType::Socket => "socket",
        FileType::CharacterDevice => "character device",
        FileType::BlockDevice => "block device",
        FileType::Unknown => "thing of unknown kind",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SELF: u32 = 1000;

    fn facts(mode: u32, place: Place) -> Facts {
        Facts { kind: FileType::RegularFile, mode, owner: SELF, own_uid: SELF, place }
    }

    #[test]
    fn every_mode_is_judged_by_where_the_file_lies() {
        let form = |mode| Ok(Some(Warning::Form(Fault::Readable { mode })));
        let mount = |mode| Ok(Some(Warning::Mount(Fault::Readable { mode })));
        let writable = |mode| Err(Refusal::Fault(Fault::Writable { mode }));
        for place in [Place::Disk, Place::Private, Place::Mount] {
            for private in [0o400, 0o600, 0o440, 0o640] {
                assert_eq!(judge(&facts(private, place)), Ok(None), "{private:o} {place:?}");
            }
            for open in [0o620, 0o660, 0o602, 0o666, 0o777] {
                assert_eq!(judge(&facts(open, place)), writable(open), "{open:o} {place:?}");
            }
        }
        for readable in [0o444, 0o644] {
            assert_eq!(judge(&facts(readable, Place::Disk)), form(readable));
            assert_eq!(judge(&facts(readable, Place::Mount)), mount(readable));
            assert_eq!(judge(&facts(readable, Place::Private)), Ok(None));
        }
    }

    #[test]
    fn the_type_bits_of_a_mode_are_not_permissions() {
        assert_eq!(judge(&facts(0o100_400, Place::Disk)), Ok(None));
    }

    #[test]
    fn a_file_belongs_to_root_or_to_us() {
        let owned = |owner| judge(&Facts { owner, ..facts(0o400, Place::Disk) });
        assert_eq!(owned(0), Ok(None));
        assert_eq!(owned(SELF), Ok(None));
        assert_eq!(owned(1001), Err(Refusal::Fault(Fault::Owner { uid: 1001, own_uid: SELF })));
    }

    #[test]
    fn only_a_regular_file_is_a_secret() {
        for kind in [FileType::Directory, FileType::Fifo, FileType::CharacterDevice, FileType::Socket] {
            let judged = judge(&Facts { kind, ..facts(0o400, Place::Mount) });
            assert_eq!(judged, Err(Refusal::Fault(Fault::NotAFile { kind: word(kind) })));
        }
    }
}
