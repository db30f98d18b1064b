//! `investiq webhooks list`: kept deliveries, newest first. It shows no bodies.

use store::{EventId, EventLine, Events, Page};

use crate::books::Books;
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::Selection;
use crate::table::table;

/// Longest object in a table, in letters: an account's id and a symbol.
const OBJECT_LETTERS_MAX: usize = 48;

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
    let books = Books::open(console).await?;
    let page = Page { before: arguments.before, rows: arguments.limit };
    let found = books.store.events(&filter, page).await?;
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

fn text(found: &Events) -> String {
    let rows: Vec<_> = found.events.iter().map(row).collect();
    table(["ID", "RECEIVED", "CHANNEL", "TYPE", "OBJECT", "STATUS", "TRIES", "REASON"], &rows)
}

/// The beginning and the end of a long object; `show` and --json have it whole.
fn abbreviated(object: &str) -> String {
    let letters: Vec<char> = object.chars().collect();
    if letters.len() <= OBJECT_LETTERS_MAX {
        return object.to_owned();
    }
    let half = OBJECT_LETTERS_MAX / 2 - 1;
    letters[..half].iter().chain(&['…']).chain(&letters[letters.len() - half..]).collect()
}

/// A delivery in a table.
pub(super) fn row(line: &EventLine) -> [String; 8] {
    [
        line.id.to_string(),
        line.received_at.to_string(),
        line.channel.clone(),
        line.event_type.clone(),
        abbreviated(&line.object),
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
