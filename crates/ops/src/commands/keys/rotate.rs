//! `investiq keys rotate`: another API key with the same settings; the old one stays valid for a while.

use config::api_keys;
use jiff::{SignedDuration, Timestamp};
use store::{ApiKeyError, ApiKeyId};

use super::{period, shown};
use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq keys rotate aB3dE6gH --overlap 24h")]
pub(crate) struct Arguments {
    /// The id of the key
    id: ApiKeyId,
    /// How long the old key stays valid, at most 30d and until it would have expired
    #[arg(long, value_name = "PERIOD", value_parser = period::parse, default_value = "24h")]
    overlap: SignedDuration,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let key = database.store.api_key(arguments.id).await?.ok_or(ApiKeyError::NotFound)?;
    let new = api_keys::generate(key.settings.mode).map_err(|_| Failure::Random)?;
    let (secret, actor, now) = (new.secret(), database.actor(), console.now());
    let validity = (arguments.overlap, Timestamp::MAX);
    let key = database.store.rotate_api_key(arguments.id, validity, &secret, actor, now).await?;
    shown::print_new((&new, &key), arguments.output, console)?;
    Ok(Exit::Success)
}
