//! `investiq webhooks replay`: applies stored events again. The events are unchanged; each gets another job, which the
//! workers of the server take, and the audit chain records the operator.

use serde::Serialize;
use store::EventId;

use crate::console::Console;
use crate::database::Database;
use crate::event_filter::FilterArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq webhooks replay 17 18\n  investiq webhooks replay --provider alpaca --dry-run"
)]
pub(crate) struct Arguments {
    /// Only these events [default: all that meet the conditions]
    #[arg(value_name = "ID")]
    ids: Vec<EventId>,
    #[command(flatten)]
    filter: FilterArguments,
    /// Replay every event
    #[arg(long)]
    all: bool,
    /// Count the events, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Replay {
    dry_run: bool,
    events: u64,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    if arguments.ids.is_empty() && arguments.filter.is_empty() && !arguments.all {
        let message = "name ids, conditions such as --status dead, or --all";
        return Err(Failure::Usage(message.to_owned()));
    }
    let database = Database::open(console).await?;
    let events = replay(arguments, &database, console).await?;
    let result = Replay { dry_run: arguments.dry_run, events };
    arguments.output.print(console, "investiq.webhooks.replay.v1", &result, |result| {
        format!("{events} {} be applied again\n", if result.dry_run { "would" } else { "will" })
    })?;
    Ok(Exit::Success)
}

async fn replay(arguments: &Arguments, database: &Database, console: &Console) -> Result<u64, Failure> {
    let filter = arguments.filter.filter(&arguments.ids)?;
    let count = database.store.count_replayable(&filter).await?;
    if arguments.dry_run {
        return Ok(count);
    }
    let bar = console.progress_bar(count, "replaying");
    let (mut done, mut after) = (0, None);
    loop {
        let part = database.store.replay(&filter, after, database.actor(), console.now()).await;
        let part = part.map_err(|error| failed(done, &error))?;
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

fn failed(done: u64, error: &store::Error) -> Failure {
    let causes = telemetry::with_causes(error);
    Failure::Incomplete(format!("failed after {done} events, which will be applied again: {causes}"))
}
