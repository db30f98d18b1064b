//! `investiq webhooks replay`: applies kept deliveries again. What was delivered stays as it is; each gets a piece of work
//! more, which the workers of the server take up, and the audit chain says who asked.

use serde::Serialize;
use store::EventId;

use crate::console::Console;
use crate::database::Database;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::selection::Selection;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// These deliveries; without them all that meet the conditions
    #[arg(value_name = "ID")]
    ids: Vec<EventId>,
    #[command(flatten)]
    selection: Selection,
    /// Every delivery there is
    #[arg(long)]
    all: bool,
    /// Say how many it would be, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Body {
    dry_run: bool,
    events: u64,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    if arguments.ids.is_empty() && arguments.selection.is_empty() && !arguments.all {
        let message = "say which: ids, conditions such as --status dead, or --all";
        return Err(Failure::Usage(message.to_owned()));
    }
    let database = Database::open(console).await?;
    let events = replay(arguments, &database, console).await?;
    if arguments.form.json {
        document::answer(
            console,
            "investiq.webhooks.replay.v1",
            &Body { dry_run: arguments.dry_run, events },
        )?;
    } else if arguments.dry_run {
        console.answer(&format!("{events} would be applied again\n"))?;
    } else {
        console.answer(&format!("{events} will be applied again\n"))?;
    }
    Ok(Exit::Good)
}

/// How many it would be, or how many it was.
async fn replay(arguments: &Arguments, database: &Database, console: &Console) -> Result<u64, Failure> {
    let filter = arguments.selection.filter(&arguments.ids)?;
    let found = database.store.count_replayable(&filter).await?;
    if arguments.dry_run {
        return Ok(found);
    }
    let bar = console.bar(found, "replaying");
    let (mut done, mut after) = (0, None);
    loop {
        let part = database.store.replay(&filter, after, database.actor(), console.now()).await;
        let part = part.map_err(|error| broken(done, &error))?;
        done += u64::from(part.events);
        bar.set_position(done);
        match part.next_after {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    bar.finish_and_clear();
    Ok(done)
}

fn broken(done: u64, error: &store::Error) -> Failure {
    let why = telemetry::with_causes(error);
    Failure::Broken(format!("after {done} that will be applied again: {why}"))
}
