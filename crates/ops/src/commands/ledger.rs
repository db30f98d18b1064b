//! `investiq ledger …`: journals that people post by hand, the reviews that wait for them, reports, and the verification of the
//! books.
//!
//! The commands use the database of the server, under the number of the user who runs them. A journal of theirs always
//! needs another person: whoever runs a command also chooses its settings.

mod export;
mod journals;
mod rebuild;
mod report;
mod reviews;
mod verify;

use std::path::Path;

use domain::{Currency, Journal, Money};
use sha2::{Digest, Sha256};
use store::{JournalError, Maker};
use telemetry::with_causes;

use super::webhooks::read;
use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a journal from a JSON file, pending until another person approves it
    Post(journals::Post),
    /// List journals, latest first
    List(journals::List),
    /// Show a journal
    Show(journals::Show),
    /// Approve and post a pending journal of another person
    Approve(journals::Approve),
    /// Reject a pending journal
    Reject(journals::Reject),
    /// Reverse a posted journal with another one
    Reverse(journals::Reverse),
    /// List and resolve what waits for a person
    #[command(subcommand)]
    Reviews(reviews::Command),
    /// Print a report: trial balance, statement, holdings, tax lots or realized gains
    Report(report::Arguments),
    /// Write all ledger entries to a file
    Export(export::Arguments),
    /// Verify the books: events, facts, entries, balances and positions against the audit chain
    Verify(verify::Arguments),
    /// Restore damaged books from authenticated deliveries and the audit chain
    Rebuild(rebuild::Arguments),
}

pub(crate) async fn run(command: Command, console: &mut Console) -> Result<Exit, Failure> {
    match command {
        Command::Post(arguments) => journals::post(&arguments, console).await,
        Command::List(arguments) => journals::list(&arguments, console).await,
        Command::Show(arguments) => journals::show(&arguments, console).await,
        Command::Approve(arguments) => journals::approve(&arguments, console).await,
        Command::Reject(arguments) => journals::reject(&arguments, console).await,
        Command::Reverse(arguments) => journals::reverse(&arguments, console).await,
        Command::Reviews(command) => reviews::run(&command, console).await,
        Command::Report(arguments) => report::run(&arguments, console).await,
        Command::Export(arguments) => export::run(&arguments, console).await,
        Command::Verify(arguments) => verify::run(&arguments, console).await,
        Command::Rebuild(arguments) => rebuild::run(&arguments, console).await,
    }
}

/// The journal in a file, and the digest of the file.
fn read_journal(path: &Path) -> Result<(Journal, String), Failure> {
    let bytes = read(path)?;
    let journal = serde_json::from_slice(&bytes).map_err(|error| {
        Failure::Precondition(format!("cannot read the journal in {}: {error}", path.display()))
    })?;
    Ok((journal, hex::encode(Sha256::digest(&bytes))))
}

/// The operator as the maker of a journal, which always needs approval.
fn maker<'a>(database: &'a Database, idempotency_key: &'a str) -> Maker<'a> {
    Maker { actor: database.actor(), idempotency_key, approval_above: Money::zero(Currency::Usd) }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Store(error) => error.into(),
            refusal => Self::Precondition(with_causes(&refusal)),
        }
    }
}
