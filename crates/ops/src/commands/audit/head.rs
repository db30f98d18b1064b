//! `investiq audit head`: the sealed head of the chain, one line of JSON. Kept elsewhere, it shows later whether the whole
//! database was set back.

use audit::export;
use telemetry::with_causes;

use crate::console::Console;
use crate::database::{Database, DatabaseLocation};
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) async fn run(console: &mut Console) -> Result<Exit, Failure> {
    let key = DatabaseLocation::find(console).await?.key;
    let written = Database::open(console).await?.store.audit_head().await?;
    let head = written.verify(&key).map_err(|fault| Failure::Precondition(with_causes(&fault)))?;
    console.answer(&format!("{}\n", export::head_line(&head)))?;
    Ok(Exit::Good)
}
