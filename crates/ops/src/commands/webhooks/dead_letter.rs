//! `investiq webhooks dead-letter …`: events that were given up after too many attempts.

use serde::Serialize;
use store::{DeadLetter, JobId, REPLAY_MAX};

use super::list::row;
use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List dead letters, latest first
    List(List),
    /// Apply dead letters again, each with all its attempts
    Requeue(Requeue),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq webhooks dead-letter list")]
pub(crate) struct List {
    /// Maximum number of dead letters
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Only dead letters before this job, such as the last of the previous page
    #[arg(long, value_name = "JOB")]
    before: Option<JobId>,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq webhooks dead-letter requeue 4 5\n  investiq webhooks dead-letter requeue --all --dry-run"
)]
pub(crate) struct Requeue {
    /// Jobs from the first column of `dead-letter list`
    #[arg(value_name = "JOB", required_unless_present = "all", conflicts_with = "all")]
    jobs: Vec<JobId>,
    /// Requeue every dead letter
    #[arg(long)]
    all: bool,
    /// Count the events, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Page {
    dead_letters: Vec<DeadLetter>,
}

#[derive(Serialize)]
struct Requeued {
    dry_run: bool,
    events: u64,
}

pub(crate) async fn run(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => list(arguments, console).await,
        Command::Requeue(arguments) => requeue(arguments, console).await,
    }
}

async fn list(arguments: &List, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let dead_letters = database.store.dead_letters(arguments.before, arguments.limit).await?;
    arguments.output.print(console, "investiq.webhooks.dead-letter.v1", &Page { dead_letters }, text)?;
    Ok(Exit::Success)
}

fn text(Page { dead_letters }: &Page) -> String {
    let cells = |letter: &DeadLetter| {
        let [id, received, channel, event_type, resource, _, attempts, reason] = row(&letter.event);
        [letter.job.to_string(), id, received, channel, event_type, resource, attempts, reason]
    };
    let rows: Vec<_> = dead_letters.iter().map(cells).collect();
    table(["JOB", "ID", "RECEIVED", "CHANNEL", "TYPE", "RESOURCE", "ATTEMPTS", "REASON"], &rows)
}

async fn requeue(arguments: &Requeue, console: &mut Console) -> Result<Exit, Failure> {
    if arguments.jobs.len() > REPLAY_MAX as usize {
        return Err(Failure::Usage(format!(
            "at most {REPLAY_MAX} jobs are allowed; use --all for every one"
        )));
    }
    let database = Database::open(console).await?;
    let events = match arguments.dry_run {
        true => count(arguments, &database).await?,
        false => requeue_all(arguments, &database, console).await?,
    };
    let result = Requeued { dry_run: arguments.dry_run, events };
    arguments.output.print(console, "investiq.webhooks.requeue.v1", &result, |result| {
        format!("{events} {}\n", if result.dry_run { "would be requeued" } else { "requeued" })
    })?;
    Ok(Exit::Success)
}

async fn count(arguments: &Requeue, database: &Database) -> Result<u64, Failure> {
    let (mut count, mut before) = (0, None);
    loop {
        let page = database.store.dead_letters(before, store::PAGE_ROWS_MAX).await?;
        let can_be_requeued = |letter: &&DeadLetter| {
            let is_named = arguments.all || arguments.jobs.contains(&letter.job);
            // An event without a body cannot be applied.
            is_named && letter.event.redacted_at.is_none()
        };
        count += page.iter().filter(can_be_requeued).count() as u64;
        match page.last() {
            Some(last) => before = Some(last.job),
            None => return Ok(count),
        }
    }
}

async fn requeue_all(arguments: &Requeue, database: &Database, console: &Console) -> Result<u64, Failure> {
    let bar = console.progress_bar(0, "requeuing");
    let mut done = 0;
    loop {
        let part = u64::from(database.store.requeue(&arguments.jobs, database.actor(), console.now()).await?);
        done += part;
        bar.set_length(done);
        bar.set_position(done);
        if part < u64::from(REPLAY_MAX) {
            bar.finish_and_clear();
            return Ok(done);
        }
    }
}
