//! `investiq audit head`: the sealed head of the chain, one line of JSON. Kept elsewhere, it shows later whether the whole
//! database was set back.

use api_server::logs::with_causes;
use audit::export;

use crate::books::{Books, Whereabouts};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

pub(crate) async fn run(console: &mut Console) -> Result<Exit, Failure> {
    let key = Whereabouts::find(console).await?.key;
    let written = Books::open(console).await?.store.audit_head().await?;
    let head = written.open(&key).map_err(|fault| Failure::Precondition(with_causes(&fault)))?;
    console.answer(&format!("{}\n", export::head_line(&head)))?;
    Ok(Exit::Good)
}
