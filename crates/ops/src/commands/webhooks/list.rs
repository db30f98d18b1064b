//! `investiq webhooks list`: stored events, newest first. It shows no bodies.

use store::{EventId, EventPage, EventSummary, PageRequest};

use crate::console::Console;
use crate::database::Database;
use crate::event_filter::FilterArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

/// Longest resource in a table: an account id and a symbol.
const RESOURCE_LETTERS_MAX: usize = 48;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq webhooks list --status dead\n  investiq webhooks list --provider alpaca --since 2026-01-31T00:00:00Z"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    filter: FilterArguments,
    /// Maximum number of events
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Only events before this one, such as the last of the previous page
    #[arg(long, value_name = "ID")]
    before: Option<EventId>,
    #[command(flatten)]
    output: OutputFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let filter = arguments.filter.filter(&[])?;
    let database = Database::open(console).await?;
    let page = PageRequest { before: arguments.before, rows: arguments.limit };
    let page = database.store.events(&filter, page).await?;
    arguments.output.print(console, "investiq.webhooks.list.v1", &page, text)?;
    if let Some(before) = page.next_before {
        console.eprint(&format!("for older events, use --before {before}"));
    }
    Ok(Exit::Success)
}

fn text(page: &EventPage) -> String {
    let rows: Vec<_> = page.events.iter().map(row).collect();
    table(["ID", "RECEIVED", "CHANNEL", "TYPE", "RESOURCE", "STATUS", "ATTEMPTS", "REASON"], &rows)
}

/// The start and the end of a long resource; `show` and --json have all of it.
fn abbreviated(resource: &str) -> String {
    let letters: Vec<char> = resource.chars().collect();
    if letters.len() <= RESOURCE_LETTERS_MAX {
        return resource.to_owned();
    }
    let half = RESOURCE_LETTERS_MAX / 2 - 1;
    letters[..half].iter().chain(&['…']).chain(&letters[letters.len() - half..]).collect()
}

pub(super) fn row(event: &EventSummary) -> [String; 8] {
    [
        event.id.to_string(),
        event.received_at.to_string(),
        event.channel.clone(),
        event.event_type.clone(),
        abbreviated(&event.resource),
        event.state.to_string(),
        event.attempts.to_string(),
        event.reason.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_resource_keeps_its_start_and_its_end() {
        assert_eq!(abbreviated("904837e3/AAPL"), "904837e3/AAPL");
        let long = abbreviated(&format!("begin{}end", "é".repeat(100)));
        assert!(long.starts_with("begin") && long.ends_with("end") && long.chars().count() == 47, "{long}");
    }
}
