//! `investiq ledger post`, `list`, `show`, `approve`, `reject` and `reverse`.

use std::fmt::Display;
use std::path::PathBuf;

use domain::{Journal, JournalPosting, ShareLine};
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use store::{JournalId, JournalRecord, JournalState, Reversal};

use super::{maker, read_journal};
use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq ledger post journal.json\n  cat journal.json | investiq ledger post -"
)]
pub(crate) struct Post {
    /// The journal as JSON: docs/ledger.md has recipes; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Stands for this journal: the same key posts it once. By default the digest of the file
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq ledger list --state pending")]
pub(crate) struct List {
    /// Only journals in this state
    #[arg(long, value_name = "STATE", value_parser = ["pending", "posted", "rejected"])]
    state: Option<String>,
    /// Maximum number of journals
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    limit: u32,
    /// Only journals before this one, such as the last of the previous page
    #[arg(long, value_name = "ID")]
    before: Option<JournalId>,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq ledger show 42")]
pub(crate) struct Show {
    /// Journal from the first column of `list`
    #[arg(value_name = "ID")]
    id: JournalId,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq ledger approve 42")]
pub(crate) struct Approve {
    /// Journal from the first column of `list`
    #[arg(value_name = "ID")]
    id: JournalId,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq ledger reject 42 --reason duplicate")]
pub(crate) struct Reject {
    /// Journal from the first column of `list`
    #[arg(value_name = "ID")]
    id: JournalId,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq ledger reverse 42 --reason mistake")]
pub(crate) struct Reverse {
    /// Journal from the first column of `list`
    #[arg(value_name = "ID")]
    id: JournalId,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Where the evidence is
    #[arg(long, value_name = "TEXT")]
    evidence: Option<String>,
    /// When the reversal takes effect, such as 2026-01-02T15:04:05Z. By default when the original did
    #[arg(long, value_name = "TIME")]
    effective_at: Option<Timestamp>,
    /// Let it take out more than is available
    #[arg(long)]
    allow_overdraft: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Page {
    journals: Vec<JournalRecord>,
}

pub(super) async fn post(arguments: &Post, console: &mut Console) -> Result<Exit, Failure> {
    let (journal, digest) = read_journal(&arguments.file)?;
    let database = Database::open(console).await?;
    let key = arguments.idempotency_key.as_deref().unwrap_or(&digest);
    let record = database.store.create_journal(&journal, maker(&database, key), console.now()).await?;
    print(arguments.output, &record, console)
}

pub(super) async fn list(arguments: &List, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let state: Option<JournalState> = arguments.state.as_deref().and_then(|state| state.parse().ok());
    let journals = database.store.journals(state, arguments.before, arguments.limit).await?;
    arguments.output.print(console, "investiq.ledger.journals.v1", &Page { journals }, text)?;
    Ok(Exit::Success)
}

fn text(Page { journals }: &Page) -> String {
    let cells = |record: &JournalRecord| {
        let JournalRecord { id, state, journal, made_by, made_at, .. } = record;
        let (id, state, made_at) = (id.to_string(), state.to_string(), made_at.to_string());
        let (effective_at, reason) = (journal.effective_at.to_string(), journal.reason.replace('\n', " "));
        [id, state, made_at, effective_at, made_by.clone(), journal.reference.clone(), reason]
    };
    let rows: Vec<_> = journals.iter().map(cells).collect();
    table(["ID", "STATE", "MADE", "EFFECTIVE", "BY", "REFERENCE", "REASON"], &rows)
}

pub(super) async fn show(arguments: &Show, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let record = database.store.journal(arguments.id).await?;
    let record = record.ok_or_else(|| Failure::Precondition("no journal has this id".to_owned()))?;
    print(arguments.output, &record, console)
}

pub(super) async fn approve(arguments: &Approve, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let record = database.store.approve_journal(arguments.id, database.actor(), console.now()).await?;
    print(arguments.output, &record, console)
}

pub(super) async fn reject(arguments: &Reject, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let (id, reason) = (arguments.id, &arguments.reason);
    let record = database.store.reject_journal(id, reason, database.actor(), console.now()).await?;
    print(arguments.output, &record, console)
}

pub(super) async fn reverse(arguments: &Reverse, console: &mut Console) -> Result<Exit, Failure> {
    let Reverse { id, reason, evidence, effective_at, allow_overdraft, output } = arguments;
    let database = Database::open(console).await?;
    let reversal = Reversal {
        reason: reason.clone(),
        evidence: evidence.clone(),
        effective_at: *effective_at,
        allow_overdraft: *allow_overdraft,
    };
    let key = hex::encode(Sha256::digest(format!("{id} {reversal:?}")));
    let record =
        database.store.reverse_journal(*id, &reversal, maker(&database, &key), console.now()).await?;
    print(*output, &record, console)
}

fn print(output: OutputFormat, record: &JournalRecord, console: &mut Console) -> Result<Exit, Failure> {
    output.print(console, "investiq.ledger.journal.v1", record, describe)?;
    Ok(Exit::Success)
}

fn describe(record: &JournalRecord) -> String {
    let JournalRecord {
        id,
        state,
        journal,
        made_by,
        checked_by,
        reverses,
        reversed_by,
        review,
        rejection,
        ..
    } = record;
    let Journal { effective_at, reference, reason, evidence, postings, shares, allow_overdraft } = journal;
    let hint = match state {
        JournalState::Pending => "; another person must approve it",
        JournalState::Posted | JournalState::Rejected => "",
    };
    let text = |id: &dyn Display| Some(id.to_string());
    let mut lines = vec![format!("journal {id} is {state}{hint}")];
    for (name, value) in [
        ("made by", Some(made_by.clone())),
        ("checked by", checked_by.clone()),
        ("effective at", text(effective_at)),
        ("reference", Some(reference.clone())),
        ("reason", Some(reason.clone())),
        ("evidence", evidence.clone()),
        ("rejected because", rejection.clone()),
        ("reverses", reverses.and_then(|id| text(&id))),
        ("reversed by", reversed_by.and_then(|id| text(&id))),
        ("resolves review", review.and_then(|id| text(&id))),
    ] {
        // A second line of a text is indented, so that it cannot pass for another field.
        lines.extend(value.map(|value| format!("  {name} {}", value.replace('\n', "\n    "))));
    }
    for JournalPosting { kind, entries } in postings {
        lines.extend(entries.iter().map(|entry| format!("  {kind}  {}  {}", entry.account, entry.money)));
    }
    for ShareLine { account, symbol, quantity, cost, is_split } in shares {
        let cost = cost.map_or_else(String::new, |cost| format!("  cost {cost}"));
        let split = if *is_split { "  split" } else { "" };
        lines.push(format!("  {account}  {quantity} {symbol}{cost}{split}"));
    }
    lines.extend(allow_overdraft.then(|| "  may take out more than is available".to_owned()));
    lines.join("\n") + "\n"
}
