//! `investiq storage accept`: makes the present database the one that the server continues, after it has refused it. The change
//! is recorded in the audit chain. It removes nothing.

use store::{AcceptedStorage, Actor, StorageState, accept_storage};

use crate::console::Console;
use crate::database::{DatabaseLocation, failed, operator};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq storage accept")]
pub(crate) struct Arguments {
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let DatabaseLocation { config, url, key, .. } = DatabaseLocation::find_any(console).await?;
    let (operator, config) = (operator(), config.store(url));
    let accepted = accept_storage(&config, &key, Actor::named(&operator), console.now()).await;
    let accepted = accepted.map_err(failed)?;
    arguments.output.print(console, "investiq.storage.accept.v1", &accepted, text)?;
    Ok(Exit::Success)
}

fn text(AcceptedStorage { before, now, is_changed }: &AcceptedStorage) -> String {
    let line = |StorageState { identity, epoch, sequence, .. }: &StorageState| {
        format!("database {identity}, epoch {epoch}, audit entry {sequence}")
    };
    match before {
        Some(before) if *is_changed => format!("before: {}\nnow:    {}\naccepted\n", line(before), line(now)),
        Some(_) | None => format!("{}\nnothing to accept: the server continues this database\n", line(now)),
    }
}
