//! `investiq webhooks list`: kept deliveries, newest first. It shows no bodies.

use store::{EventId, EventPage, EventSummary, PageRequest};

use crate::console::Console;
use crate::database::Database;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::Selection;
use crate::table::table;

/// Longest resource in a table, in letters: an account's id and a symbol.
const RESOURCE_LETTERS_MAX: usize = 48;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Only what is older than this one: the last of the page before
    #[arg(long, value_name = "ID")]
    before: Option<EventId>,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let filter = arguments.selection.filter(&[])?;
    let database = Database::open(console).await?;
    let page = PageRequest { before: arguments.before, rows: arguments.limit };
    let found = database.store.events(&filter, page).await?;
    if arguments.form.json {
        document::answer(console, "investiq.webhooks.list.v1", &found)?;
        return Ok(Exit::Good);
    }
    console.answer(&text(&found))?;
    if let Some(before) = found.next_before {
        console.say(&format!("there are older ones: --before {before}"));
    }
    Ok(Exit::Good)
}

fn text(found: &EventPage) -> String {
    let rows: Vec<_> = found.events.iter().map(row).collect();
    table(["ID", "RECEIVED", "CHANNEL", "TYPE", "RESOURCE", "STATUS", "TRIES", "REASON"], &rows)
}

/// The beginning and the end of a long resource; `show` and --json have it whole.
fn abbreviated(resource: &str) -> String {
    let letters: Vec<char> = resource.chars().collect();
    if letters.len() <= RESOURCE_LETTERS_MAX {
        return resource.to_owned();
    }
    let half = RESOURCE_LETTERS_MAX / 2 - 1;
    letters[..half].iter().chain(&['…']).chain(&letters[letters.len() - half..]).collect()
}

/// A delivery in a table.
pub(super) fn row(line: &EventSummary) -> [String; 8] {
    [
        line.id.to_string(),
        line.received_at.to_string(),
        line.channel.clone(),
        line.event_type.clone(),
        abbreviated(&line.resource),
        line.state.as_str().to_owned(),
        line.attempts.to_string(),
        line.reason.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_object_keeps_its_beginning_and_its_end() {
        assert_eq!(abbreviated("904837e3/AAPL"), "904837e3/AAPL");
        let long = abbreviated(&format!("begin{}end", "é".repeat(100)));
        assert!(long.starts_with("begin") && long.ends_with("end") && long.chars().count() == 47, "{long}");
    }
}
