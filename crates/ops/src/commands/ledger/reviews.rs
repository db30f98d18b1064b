//! `investiq ledger reviews …`: what waits for a person.

use std::path::PathBuf;

use domain::ExternalId;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::{
    JournalId, JournalRecord, JournalState, REVIEW_KINDS, ReviewDetail, ReviewFilter, ReviewId,
    ReviewSummary, SuggestedAction,
};

use super::{maker, read_journal};
use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List open reviews, latest first
    List(List),
    /// Show a review with what is known, and what can be done
    Show(Show),
    /// Resolve a review with a reason, and perhaps a journal
    Resolve(Resolve),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq ledger reviews list --kind repeated_entry")]
pub(crate) struct List {
    /// Only reviews of this kind
    #[arg(long, value_name = "KIND", value_parser = REVIEW_KINDS)]
    kind: Option<String>,
    /// Only reviews about this account, such as alpaca:a1
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<ExternalId>,
    /// Which reviews
    #[arg(long, value_name = "STATE", default_value = "open", value_parser = ["open", "resolved", "all"])]
    state: String,
    /// Maximum number of reviews
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Only reviews before this one, such as the last of the previous page
    #[arg(long, value_name = "ID")]
    before: Option<ReviewId>,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq ledger reviews show 7")]
pub(crate) struct Show {
    /// Review from the first column of `reviews list`
    #[arg(value_name = "ID")]
    id: ReviewId,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq ledger reviews resolve 7 --reason confirmed\n  investiq ledger reviews resolve 7 --reason repeated --journal reversal.json"
)]
pub(crate) struct Resolve {
    /// Review from the first column of `reviews list`
    #[arg(value_name = "ID")]
    id: ReviewId,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// A journal that is posted together with it; `-` is standard input
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Page {
    reviews: Vec<ReviewSummary>,
}

#[derive(Serialize)]
struct Detail {
    review: ReviewSummary,
    facts: Vec<Value>,
    entries: usize,
    pending_journal: Option<JournalId>,
    suggestions: Vec<SuggestedAction>,
}

#[derive(Serialize)]
struct Resolved {
    review: ReviewId,
    journal_id: Option<JournalId>,
    /// `pending` while its journal waits for approval, and the review stays open.
    journal: Option<JournalState>,
}

pub(crate) async fn run(command: &Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::List(arguments) => list(arguments, console).await,
        Command::Show(arguments) => show(arguments, console).await,
        Command::Resolve(arguments) => resolve(arguments, console).await,
    }
}

async fn list(arguments: &List, console: &mut Console) -> Result<Exit, Failure> {
    let List { kind, account, state, limit, before, output } = arguments;
    let is_open = match state.as_str() {
        "open" => Some(true),
        "resolved" => Some(false),
        _ => None,
    };
    let database = Database::open(console).await?;
    let filter = ReviewFilter { kind: kind.clone(), account: account.clone(), is_open };
    let reviews = database.store.reviews(&filter, *before, *limit).await?;
    output.print(console, "investiq.ledger.reviews.v1", &Page { reviews }, text)?;
    Ok(Exit::Success)
}

fn text(Page { reviews }: &Page) -> String {
    let cells = |review: &ReviewSummary| {
        let ReviewSummary { id, kind, about, account, opened_at, resolved_by, .. } = review;
        let account = account.clone().unwrap_or_default();
        let resolved_by = resolved_by.clone().unwrap_or_default();
        [id.to_string(), kind.clone(), opened_at.to_string(), account, about.clone(), resolved_by]
    };
    let rows: Vec<_> = reviews.iter().map(cells).collect();
    table(["ID", "KIND", "OPENED", "ACCOUNT", "ABOUT", "RESOLVED BY"], &rows)
}

async fn show(arguments: &Show, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let detail = database.store.review(arguments.id).await?;
    let detail = detail.ok_or_else(|| Failure::Precondition("no review has this id".to_owned()))?;
    let ReviewDetail { summary, facts, entries, pending_journal, suggestions, event: _ } = detail;
    let detail = Detail { review: summary, facts, entries: entries.len(), pending_journal, suggestions };
    arguments.output.print(console, "investiq.ledger.review.v1", &detail, describe)?;
    Ok(Exit::Success)
}

fn describe(detail: &Detail) -> String {
    let Detail { review, facts, entries, pending_journal, suggestions } = detail;
    let mut lines = vec![
        format!("review {}: {} of {}", review.id, review.kind, review.about),
        format!("  subject {}, {} facts, {entries} entries", review.subject, facts.len()),
        format!("  open since {}", review.opened_at),
    ];
    lines.extend(pending_journal.iter().map(|id| format!("  journal {id} resolves it when it is approved")));
    lines.extend(facts.iter().map(|fact| format!("  {fact}")));
    for SuggestedAction { action, text, journal } in suggestions {
        lines.push(format!("  {action}: {text}"));
        let journal = journal.as_ref().and_then(|journal| serde_json::to_string(journal).ok());
        lines.extend(journal.map(|journal| format!("    {journal}")));
    }
    lines.join("\n") + "\n"
}

async fn resolve(arguments: &Resolve, console: &mut Console) -> Result<Exit, Failure> {
    let Resolve { id, reason, journal, output } = arguments;
    let journal = journal.as_deref().map(read_journal).transpose()?;
    let database = Database::open(console).await?;
    let (store, now) = (&database.store, console.now());
    let made = match &journal {
        Some((journal, digest)) => {
            let key = hex::encode(Sha256::digest(format!("{digest} {id} {reason}")));
            let maker = maker(&database, &key);
            Some(store.resolve_review_with_journal(*id, reason, journal, maker, now).await?)
        }
        None => {
            store.resolve_review(*id, reason, database.actor(), now).await?;
            None
        }
    };
    let (journal_id, state) = made.map(|JournalRecord { id, state, .. }| (id, state)).unzip();
    let resolved = Resolved { review: *id, journal_id, journal: state };
    output.print(console, "investiq.ledger.resolved.v1", &resolved, |resolved| match resolved {
        Resolved { journal_id: Some(journal), journal: Some(JournalState::Pending), .. } => {
            format!("journal {journal} is pending: review {id} is resolved when another person approves it\n")
        }
        _ => format!("review {id} is resolved\n"),
    })?;
    Ok(Exit::Success)
}
