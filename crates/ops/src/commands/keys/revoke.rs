//! `investiq keys revoke`: ends an API key. No server accepts it after a second. Repeating it changes nothing.

use store::ApiKeyId;

use super::shown;
use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq keys revoke aB3dE6gH --reason leaked")]
pub(crate) struct Arguments {
    /// The id of the key
    id: ApiKeyId,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let Arguments { id, reason, output } = arguments;
    let database = Database::open(console).await?;
    let now = console.now();
    let key = database.store.revoke_api_key(*id, reason, database.actor(), now).await?;
    output.print(console, "investiq.keys.key.v1", &shown::details(&key, now), |_| {
        format!("API key {id} is revoked\n")
    })?;
    Ok(Exit::Success)
}
