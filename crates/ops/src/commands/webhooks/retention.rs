//! `investiq webhooks retention`: empties bodies and headers that have been kept for as long as the settings say. Hashes
//! stay, so that a copy is still known and the audit chain can still be compared. Nothing is deleted.

use api_server::config::Config;
use domain::Provider;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::books::Books;
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::ProviderName;
use crate::table::table;

/// Hours of a day.
const DAY_HOURS: i64 = 24;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only of this provider
    #[arg(long, value_enum)]
    source: Option<ProviderName>,
    /// Keep this many days instead of what the settings say
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3660), requires = "source")]
    days: Option<u32>,
    /// Say how many it would be, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Line {
    source: &'static str,
    days: u32,
    received_before: String,
    events: u64,
}

#[derive(Serialize)]
struct Body {
    dry_run: bool,
    sources: Vec<Line>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let books = Books::open(console).await?;
    let mut sources = Vec::new();
    let wanted = arguments.source.map(Provider::from);
    for provider in
        Provider::ALL.into_iter().filter(|provider| wanted.is_none_or(|wanted| wanted == *provider))
    {
        let days = arguments.days.unwrap_or_else(|| kept_days(&books.config, provider));
        let before = console.now() - SignedDuration::from_hours(i64::from(days) * DAY_HOURS);
        let events = match arguments.dry_run {
            true => books.store.count_redactable(provider, before).await?,
            false => redact(&books, provider, before, console).await?,
        };
        sources.push(Line { source: provider.as_str(), days, received_before: before.to_string(), events });
    }
    tell(arguments, sources, console)
}

/// What the settings say.
fn kept_days(config: &Config, provider: Provider) -> u32 {
    let retention = config.deliveries.retention;
    match provider {
        Provider::Alpaca => retention.alpaca_days,
        Provider::Bridge => retention.bridge_days,
        Provider::Circle => retention.circle_days,
    }
}

async fn redact(
    books: &Books,
    provider: Provider,
    before: Timestamp,
    console: &Console,
) -> Result<u64, Failure> {
    let bar = console.bar(books.store.count_redactable(provider, before).await?, "emptying");
    let mut done = 0;
    loop {
        match books.store.redact(provider, before, books.actor(), console.now()).await? {
            0 => break,
            part => done += u64::from(part),
        }
        bar.set_position(done);
    }
    bar.finish_and_clear();
    Ok(done)
}

fn tell(arguments: &Arguments, sources: Vec<Line>, console: &mut Console) -> Result<Exit, Failure> {
    let dry_run = arguments.dry_run;
    if arguments.form.json {
        document::answer(console, "investiq.webhooks.retention.v1", &Body { dry_run, sources })?;
        return Ok(Exit::Good);
    }
    let row = |line: &Line| {
        let Line { source, days, received_before, events } = line;
        [(*source).to_owned(), days.to_string(), received_before.clone(), events.to_string()]
    };
    let rows: Vec<_> = sources.iter().map(row).collect();
    let last = if dry_run { "WOULD BE EMPTIED" } else { "EMPTIED" };
    console.answer(&table(["SOURCE", "DAYS", "RECEIVED BEFORE", last], &rows))?;
    Ok(Exit::Good)
}
