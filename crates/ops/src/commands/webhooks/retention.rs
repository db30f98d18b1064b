//! `investiq webhooks retention`: removes bodies and headers whose retention period has ended. Events and hashes are kept,
//! so that duplicates are still detected and the audit chain can still be compared.

use domain::Provider;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::output::OutputFormat;
use crate::table::table;

const DAY_HOURS: i64 = 24;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq webhooks retention --dry-run\n  investiq webhooks retention --provider bridge --days 30"
)]
pub(crate) struct Arguments {
    /// Only events of this provider
    #[arg(long, value_parser = named_values::provider())]
    provider: Option<Provider>,
    /// Retention period in days [default: as configured]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3660), requires = "provider")]
    days: Option<u32>,
    /// Count the events, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Line {
    provider: &'static str,
    days: u32,
    received_before: String,
    events: u64,
}

#[derive(Serialize)]
struct Body {
    dry_run: bool,
    providers: Vec<Line>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let mut providers = Vec::new();
    for provider in arguments.provider.map_or_else(|| Provider::ALL.to_vec(), |provider| vec![provider]) {
        let configured_days = database.config.webhooks.providers.retention_days(provider);
        let days = arguments.days.unwrap_or(configured_days);
        let before = console.now() - SignedDuration::from_hours(i64::from(days) * DAY_HOURS);
        let events = match arguments.dry_run {
            true => database.store.count_redactable(provider, before).await?,
            false => redact(&database, provider, before, console).await?,
        };
        let (provider, received_before) = (provider.as_str(), before.to_string());
        providers.push(Line { provider, days, received_before, events });
    }
    let body = Body { dry_run: arguments.dry_run, providers };
    arguments.output.print(console, "investiq.webhooks.retention.v1", &body, text)?;
    Ok(Exit::Success)
}

async fn redact(
    database: &Database,
    provider: Provider,
    before: Timestamp,
    console: &Console,
) -> Result<u64, Failure> {
    let bar = console.progress_bar(database.store.count_redactable(provider, before).await?, "redacting");
    let mut done = 0;
    loop {
        match database.store.redact(provider, before, database.actor(), console.now()).await? {
            0 => break,
            part => done += u64::from(part),
        }
        bar.set_position(done);
    }
    bar.finish_and_clear();
    Ok(done)
}

fn text(Body { dry_run, providers }: &Body) -> String {
    let row = |line: &Line| {
        let Line { provider, days, received_before, events } = line;
        [(*provider).to_owned(), days.to_string(), received_before.clone(), events.to_string()]
    };
    let rows: Vec<_> = providers.iter().map(row).collect();
    let last = if *dry_run { "WOULD BE REDACTED" } else { "REDACTED" };
    table(["PROVIDER", "DAYS", "RECEIVED BEFORE", last], &rows)
}
