//! `investiq webhooks show ID`: one stored event, how it was verified, and its jobs; with --body its body instead, which may
//! contain personal data.

use std::collections::BTreeMap;

use serde::Serialize;
use store::{EventDetail, EventId, EventSummary, JobSummary};

use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq webhooks show 17\n  investiq webhooks show 17 --body > body.json"
)]
pub(crate) struct Arguments {
    /// Id of the event, as `list` shows it
    id: EventId,
    /// Print only the body, byte for byte as it was signed
    #[arg(long, conflicts_with = "json")]
    body: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Body<'a> {
    event: &'a EventSummary,
    dedupe_key: &'a str,
    content_key: Option<&'a str>,
    key_id: &'a str,
    signed_at: Option<String>,
    headers: &'a BTreeMap<String, String>,
    body_bytes: usize,
    body_sha256: &'a str,
    jobs: &'a [JobSummary],
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let event = database.store.event(arguments.id).await?;
    let event =
        event.ok_or_else(|| Failure::Precondition(format!("event {} does not exist", arguments.id)))?;
    if arguments.body {
        return print_body(&event, console);
    }
    arguments.output.print(console, "investiq.webhooks.show.v1", &body(&event), |_| text(&event))?;
    Ok(Exit::Success)
}

fn print_body(event: &EventDetail, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(at) = event.summary.redacted_at {
        return Err(Failure::Precondition(format!("the body was removed at {at}; its SHA-256 is kept")));
    }
    console.print_bytes(&event.body)?;
    Ok(Exit::Success)
}

fn body(event: &EventDetail) -> Body<'_> {
    Body {
        event: &event.summary,
        dedupe_key: &event.dedupe_key,
        content_key: event.content_key.as_deref(),
        key_id: &event.key_id,
        signed_at: event.signed_at.map(|at| at.to_string()),
        headers: &event.headers,
        body_bytes: event.body.len(),
        body_sha256: &event.body_sha256,
        jobs: &event.jobs,
    }
}

fn text(event: &EventDetail) -> String {
    let EventDetail { summary, dedupe_key, content_key, key_id, signed_at, headers, body, body_sha256, jobs } =
        event;
    let time = |at: Option<jiff::Timestamp>| at.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let field = |name: &str, value: &str| format!("{name:<12} {value}\n");
    let mut text = [
        field("id", &summary.id.to_string()),
        field("channel", &summary.channel),
        field("transport", &summary.transport),
        field("type", &summary.event_type),
        field("resource", &summary.resource),
        field("occurred at", &time(summary.occurred_at)),
        field("signed at", &time(*signed_at)),
        field("received at", &summary.received_at.to_string()),
        field("redacted at", &time(summary.redacted_at)),
        field("verified by", key_id),
        field("dedupe key", dedupe_key),
        field("content key", content_key.as_deref().unwrap_or("-")),
        field("body", &format!("{} bytes", body.len())),
        field("body sha256", body_sha256),
    ]
    .concat();
    headers.iter().for_each(|(name, value)| text.push_str(&field("header", &format!("{name}: {value}"))));
    let rows: Vec<_> = jobs.iter().map(row).collect();
    text.push('\n');
    text + &table(["JOB", "CAUSE", "STATUS", "ATTEMPTS", "SINCE", "UNTIL", "REASON"], &rows)
}

fn row(job: &JobSummary) -> [String; 7] {
    [
        job.id.to_string(),
        job.cause.to_string(),
        job.state.to_string(),
        job.attempts.to_string(),
        job.created_at.to_string(),
        job.finished_at.map(|at| at.to_string()).unwrap_or_default(),
        job.reason.clone().unwrap_or_default(),
    ]
}
