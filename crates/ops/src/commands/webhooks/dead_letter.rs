//! `investiq webhooks dead-letter …`: deliveries that were given up after too many tries.

use serde::Serialize;
use store::{DeadLetter, JobId, REPLAY_MAX};

use crate::console::Console;
use crate::database::Database;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::table;

use super::list;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show them, latest first
    List(List),
    /// Ask for them again, each with all its tries
    Requeue(Requeue),
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Only what is older than this one: the last of the page before
    #[arg(long, value_name = "JOB")]
    before: Option<JobId>,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Requeue {
    /// These, as `dead-letter list` shows them in its first column
    #[arg(value_name = "JOB", required_unless_present = "all", conflicts_with = "all")]
    jobs: Vec<JobId>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// Say how many it would be, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Letters {
    dead_letters: Vec<DeadLetter>,
}

#[derive(Serialize)]
struct Body {
    dry_run: bool,
    events: u64,
}

pub(crate) async fn run(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => show(arguments, console).await,
        Command::Requeue(arguments) => requeue(arguments, console).await,
    }
}

async fn show(arguments: &List, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let dead_letters = database.store.dead_letters(arguments.before, arguments.limit).await?;
    if arguments.form.json {
        document::answer(console, "investiq.webhooks.dead-letter.v1", &Letters { dead_letters })?;
        return Ok(Exit::Good);
    }
    let row = |letter: &DeadLetter| {
        let [id, received, channel, event_type, resource, _, tries, reason] = list::row(&letter.event);
        [letter.job.to_string(), id, received, channel, event_type, resource, tries, reason]
    };
    let rows: Vec<_> = dead_letters.iter().map(row).collect();
    let heading = ["JOB", "ID", "RECEIVED", "CHANNEL", "TYPE", "RESOURCE", "TRIES", "REASON"];
    console.answer(&table(heading, &rows))?;
    Ok(Exit::Good)
}

async fn requeue(arguments: &Requeue, console: &mut Console) -> Result<Exit, Failure> {
    if arguments.jobs.len() > REPLAY_MAX as usize {
        return Err(Failure::Usage(format!("at most {REPLAY_MAX} at once, or --all")));
    }
    let database = Database::open(console).await?;
    let events = match arguments.dry_run {
        true => foresee(arguments, &database).await?,
        false => ask_again(arguments, &database, console).await?,
    };
    if arguments.form.json {
        let body = Body { dry_run: arguments.dry_run, events };
        document::answer(console, "investiq.webhooks.requeue.v1", &body)?;
    } else {
        let what = if arguments.dry_run { "would be asked for again" } else { "asked for again" };
        console.answer(&format!("{events} {what}\n"))?;
    }
    Ok(Exit::Good)
}

async fn foresee(arguments: &Requeue, database: &Database) -> Result<u64, Failure> {
    let (mut count, mut before) = (0, None);
    loop {
        let page = database.store.dead_letters(before, store::PAGE_ROWS_MAX).await?;
        let is_meant = |letter: &&DeadLetter| {
            let is_named = arguments.all || arguments.jobs.contains(&letter.job);
            // What has no body any longer cannot be applied.
            is_named && letter.event.redacted_at.is_none()
        };
        count += page.iter().filter(is_meant).count() as u64;
        match page.last() {
            Some(last) => before = Some(last.job),
            None => return Ok(count),
        }
    }
}

async fn ask_again(arguments: &Requeue, database: &Database, console: &Console) -> Result<u64, Failure> {
    let bar = console.bar(0, "asking again");
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
