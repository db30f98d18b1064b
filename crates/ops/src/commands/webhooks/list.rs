//! `investiq webhooks list`: kept deliveries, newest first. It shows no bodies.

use store::{EventId, EventLine, Events, Page};

use crate::books::Books;
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::Selection;
use crate::table::table;

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

/// A delivery in a table.
pub(super) fn row(line: &EventLine) -> [String; 8] {
    [
        line.id.to_string(),
        line.received_at.to_string(),
        line.channel.clone(),
        line.event_type.clone(),
        line.object.clone(),
        line.state.as_str().to_owned(),
        line.attempts.to_string(),
        line.reason.clone().unwrap_or_default(),
    ]
}
