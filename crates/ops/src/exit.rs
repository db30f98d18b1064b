//! Exit codes, which scripts act on. `--help` and docs/secrets-rotation.md list them.

use std::process::ExitCode;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success,
    Usage,
    /// Something else must be fixed first. Nothing was changed.
    Precondition,
    /// A check completed and found problems.
    Findings,
    Failed,
    /// Another rotation of the same secret is in progress. Nothing was changed.
    Conflict,
}

impl Exit {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Usage => 1,
            Self::Precondition => 2,
            Self::Findings => 3,
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
