//! How a command ends: the numbers that scripts act on. `--help` and docs/secrets-rotation.md tell them.

use std::process::ExitCode;

/// The outcome of a command, as its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It is done, or there was nothing to do.
    Good,
    /// The arguments make no sense.
    Usage,
    /// Something outside has to be put right first. Nothing was changed.
    Precondition,
    /// A check ran to its end and found what is wrong.
    Found,
    /// It broke off. What had been done is told.
    Failed,
    /// Somebody else was at work on the same secret. Nothing was changed.
    Conflict,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Usage => 1,
            Self::Precondition => 2,
            Self::Found => 3,
            Self::Failed => 4,
            Self::Conflict => 5,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
