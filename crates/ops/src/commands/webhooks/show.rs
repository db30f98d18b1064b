//! `investiq webhooks show ID`: one kept delivery, what proved it and what was done about it; with --body also its body,
//! which names people and accounts.

use std::collections::BTreeMap;

use serde::Serialize;
use store::{EventDetail, EventId, EventSummary, JobSummary};

use crate::console::Console;
use crate::database::Database;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::table::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The delivery, as `list` shows it
    id: EventId,
    /// Print its body and nothing else, byte for byte as it was signed
    #[arg(long, conflicts_with = "json")]
    body: bool,
    #[command(flatten)]
    form: Form,
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
    let event = event.ok_or_else(|| Failure::Precondition(format!("there is no event {}", arguments.id)))?;
    if arguments.body {
        return bare(&event, console);
    }
    if arguments.form.json {
        document::answer(console, "investiq.webhooks.show.v1", &body(&event))?;
    } else {
        console.answer(&text(&event))?;
    }
    Ok(Exit::Good)
}

fn bare(event: &EventDetail, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(at) = event.summary.redacted_at {
        return Err(Failure::Precondition(format!("the body was emptied at {at}; its SHA-256 is kept")));
    }
    console.answer_bytes(&event.body)?;
    Ok(Exit::Good)
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
    let fact = |name: &str, value: &str| format!("{name:<12} {value}\n");
    let mut text = [
        fact("id", &summary.id.to_string()),
        fact("channel", &summary.channel),
        fact("transport", &summary.transport),
        fact("type", &summary.event_type),
        fact("resource", &summary.resource),
        fact("occurred at", &time(summary.occurred_at)),
        fact("signed at", &time(*signed_at)),
        fact("received at", &summary.received_at.to_string()),
        fact("redacted at", &time(summary.redacted_at)),
        fact("proved by", key_id),
        fact("dedupe key", dedupe_key),
        fact("content key", content_key.as_deref().unwrap_or("-")),
        fact("body", &format!("{} bytes", body.len())),
        fact("body sha256", body_sha256),
    ]
    .concat();
    headers.iter().for_each(|(name, value)| text.push_str(&fact("header", &format!("{name}: {value}"))));
    let rows: Vec<_> = jobs.iter().map(row).collect();
    text.push('\n');
    text + &table(["JOB", "CAUSE", "STATUS", "TRIES", "SINCE", "UNTIL", "REASON"], &rows)
}

fn row(job: &JobSummary) -> [String; 7] {
    [
        job.id.to_string(),
        job.cause.as_str().to_owned(),
        job.state.as_str().to_owned(),
        job.attempts.to_string(),
        job.created_at.to_string(),
        job.finished_at.map(|at| at.to_string()).unwrap_or_default(),
        job.reason.clone().unwrap_or_default(),
    ]
}
