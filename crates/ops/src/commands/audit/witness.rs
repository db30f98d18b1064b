//! A head that was kept elsewhere.

use std::path::Path;

use audit::{ChainError, Head, Key, export};

use crate::failure::Failure;

/// Reads what `audit head` printed, or the last line of an export. The outer error is about the file, the inner about what
/// it says.
pub(super) fn read(path: &Path, key: &Key) -> Result<Result<Head, ChainError>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Precondition(format!("reading {}: {error}", path.display())))?;
    let line = text.lines().last().unwrap_or_default();
    let written = export::parse_head(line).ok_or_else(|| {
        Failure::Precondition(format!("{} is not what `investiq audit head` prints", path.display()))
    })?;
    Ok(written.verify(key))
}
