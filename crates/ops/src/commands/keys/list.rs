//! `investiq keys list`, `show` and `usage`: API keys of the database, without their secrets.

use jiff::SignedDuration;
use serde::Serialize;
use serde_json::{Value, json};
use store::{ApiKey, ApiKeyError, ApiKeyFilter, ApiKeyId};

use super::{period, shown};
use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq keys list\n  investiq keys list --unused-for 90d")]
pub(crate) struct List {
    /// Only valid keys that were not used for so long
    #[arg(long, value_name = "PERIOD", value_parser = period::parse)]
    unused_for: Option<SignedDuration>,
    /// Maximum number of keys
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Only keys created before this one, such as the last of the previous page
    #[arg(long, value_name = "ID")]
    after: Option<ApiKeyId>,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq keys show aB3dE6gH")]
pub(crate) struct Show {
    /// The id of the key
    id: ApiKeyId,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq keys usage aB3dE6gH")]
pub(crate) struct Usage {
    /// The id of the key
    id: ApiKeyId,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Page {
    keys: Vec<Value>,
}

pub(crate) async fn list(arguments: &List, console: &mut Console) -> Result<Exit, Failure> {
    let List { unused_for, limit, after, output } = arguments;
    let database = Database::open(console).await?;
    let now = console.now();
    let unused_since = unused_for.and_then(|period| now.saturating_sub(period).ok());
    let filter = ApiKeyFilter { after: *after, unused_since };
    let keys = database.store.api_keys(filter, *limit, now).await?;
    let page = Page { keys: keys.iter().map(|key| shown::details(key, now)).collect() };
    output.print(console, "investiq.keys.v1", &page, |_| {
        let cells = |key: &ApiKey| {
            let last = key.last_use.map_or_else(|| "never".to_owned(), |last| last.at.to_string());
            [
                shown::hint(key),
                key.settings.name.clone(),
                key.state(now).to_string(),
                key.settings.role.to_string(),
                key.expires_at.to_string(),
                last,
            ]
        };
        table(
            ["KEY", "NAME", "STATE", "ROLE", "EXPIRES", "LAST USED"],
            &keys.iter().map(cells).collect::<Vec<_>>(),
        )
    })?;
    Ok(Exit::Success)
}

pub(crate) async fn show(arguments: &Show, console: &mut Console) -> Result<Exit, Failure> {
    let key = find(arguments.id, console).await?;
    let details = shown::details(&key, console.now());
    arguments.output.print(console, "investiq.keys.key.v1", &details, rows)?;
    Ok(Exit::Success)
}

pub(crate) async fn usage(arguments: &Usage, console: &mut Console) -> Result<Exit, Failure> {
    let key = find(arguments.id, console).await?;
    let usage = json!({
        "id": key.id.as_str(),
        "uses": key.uses,
        "last_used_at": key.last_use.map(|last| last.at),
        "last_used_ip": key.last_use.map(|last| last.ip),
    });
    arguments.output.print(console, "investiq.keys.usage.v1", &usage, rows)?;
    Ok(Exit::Success)
}

async fn find(id: ApiKeyId, console: &Console) -> Result<ApiKey, Failure> {
    let database = Database::open(console).await?;
    Ok(database.store.api_key(id).await?.ok_or(ApiKeyError::NotFound)?)
}

/// Each member of an object in a row.
fn rows(object: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let members = object.as_object().into_iter().flatten();
    let rows: Vec<[String; 2]> = members.map(|(name, value)| [name.clone(), text(value)]).collect();
    table(["FIELD", "VALUE"], &rows)
}
