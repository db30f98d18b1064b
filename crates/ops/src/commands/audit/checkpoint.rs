//! `investiq audit checkpoint`: the head of the chain as one line of JSON. Stored outside the database, it reveals later
//! whether the whole database was replaced by an older copy.

use std::path::Path;

use audit::{ChainError, Head, Key, export};
use telemetry::with_causes;

use crate::console::Console;
use crate::database::{Database, DatabaseLocation};
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) async fn run(console: &mut Console) -> Result<Exit, Failure> {
    let key = DatabaseLocation::find(console).await?.key;
    let head = Database::open(console).await?.store.audit_head().await?;
    let head = head.verify(&key).map_err(|error| Failure::Precondition(with_causes(&error)))?;
    console.print(&format!("{}\n", export::head_line(&head)))?;
    Ok(Exit::Success)
}

/// Reads a checkpoint, or the last line of an export. The inner error is about the seal of the checkpoint.
pub(in crate::commands) fn read(path: &Path, key: &Key) -> Result<Result<Head, ChainError>, Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Precondition(format!("cannot read {}: {error}", path.display())))?;
    let head = export::parse_head(text.lines().last().unwrap_or_default()).ok_or_else(|| {
        Failure::Precondition(format!(
            "{} is not a checkpoint of `investiq audit checkpoint`",
            path.display()
        ))
    })?;
    Ok(head.verify(key))
}
