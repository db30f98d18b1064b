//! `investiq keys create`: a new API key in the database of the server. Whoever has the database may give any scope.

use std::num::NonZeroU32;

use config::api_keys::{self, KeyMode, Role, accepts_mode, default_mode, parse_network};
use domain::{AccountScope, Scopes};
use ipnet::IpNet;
use jiff::SignedDuration;
use serde_json::{Map, Value};
use store::{ApiKeySettings, KEY_VALIDITY_DEFAULT};

use super::{period, shown};
use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq keys create --name reports --account alpaca:a1 --account c-1042 --scope ledger:read\n  investiq keys create --name operator --role admin --ip 203.0.113.0/24 --expires 30d"
)]
pub(crate) struct Arguments {
    /// Who uses the key
    #[arg(long, value_name = "NAME")]
    name: String,
    /// What the key is for; it is part of the key. By default live in production, else test
    #[arg(long = "env", value_parser = named_values::key_mode())]
    mode: Option<KeyMode>,
    /// The most that the key may do
    #[arg(long, value_parser = named_values::role(), default_value = "viewer")]
    role: Role,
    /// What the key may do, such as ledger:read; repeatable. By default all that its role may
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// An account or customer whose books the key may read; repeatable. By default none, and all with the role admin
    #[arg(long = "account", value_name = "ACCOUNT")]
    accounts: Vec<String>,
    /// A network or address that the key may be used from; repeatable. By default all
    #[arg(long = "ip", value_name = "NETWORK", value_parser = |text: &str| parse_network(text).ok_or("must be a network such as 203.0.113.0/24"))]
    ips: Vec<IpNet>,
    /// Requests a minute. By default as the server is configured
    #[arg(long, value_name = "N")]
    per_minute: Option<NonZeroU32>,
    /// Requests at once, with --per-minute
    #[arg(long, value_name = "N", requires = "per_minute")]
    burst: Option<NonZeroU32>,
    /// Requests in progress
    #[arg(long, value_name = "N")]
    concurrency: Option<NonZeroU32>,
    /// A JSON object with whatever you want to note
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = |text: &str| serde_json::from_str::<Map<String, Value>>(text))]
    metadata: Map<String, Value>,
    /// How long the key is valid, such as 30d; at most 366d
    #[arg(long, value_name = "PERIOD", value_parser = period::parse, default_value = "90d")]
    expires: SignedDuration,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let (profile, now) = (database.config.profile, console.now());
    let Arguments {
        name,
        mode,
        role,
        scopes,
        accounts,
        ips,
        per_minute,
        burst,
        concurrency,
        metadata,
        expires,
        output,
    } = arguments;
    let mode = mode.unwrap_or_else(|| default_mode(profile));
    if !accepts_mode(profile, mode) {
        let message = format!("a server with the profile {} accepts no {mode} keys", profile.as_str());
        return Err(Failure::Precondition(message));
    }
    let scopes = match scopes.is_empty() {
        true => Ok(role.scopes()),
        false => scopes.join(" ").parse::<Scopes>(),
    };
    let accounts = match (role, accounts.is_empty()) {
        (Role::Admin, true) => Ok(AccountScope::All),
        (_, _) => AccountScope::from_items(&accounts),
    };
    let settings = ApiKeySettings {
        mode,
        name,
        role,
        scopes: scopes.map_err(|error| Failure::Usage(error.to_string()))?,
        accounts: accounts.map_err(|error| Failure::Usage(error.to_string()))?,
        ips,
        per_minute,
        burst,
        concurrency,
        metadata,
    };
    let expires_at = now.saturating_add(expires).unwrap_or(now + KEY_VALIDITY_DEFAULT);
    let new = api_keys::generate(mode).map_err(|_| Failure::Random)?;
    let (secret, actor) = (new.secret(), database.actor());
    let key = database.store.create_api_key(&settings, expires_at, &secret, actor, now).await?;
    shown::print_new((&new, &key), output, console)?;
    Ok(Exit::Success)
}
