//! `investiq ledger rebuild`: restores books that `ledger verify` finds damaged. Rows that nobody with the audit key wrote are
//! moved aside; facts are read again from proved events; rows and balances are computed again; sums are corrected by new
//! transactions. What is only in a backup is named.

use serde::Serialize;
use store::{Place, Rebuild, RebuildMode};

use super::verify::{failed, findings_table};
use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq ledger rebuild --dry-run\n  investiq ledger rebuild --json")]
pub(crate) struct Arguments {
    /// Show what would be restored, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Body {
    dry_run: bool,
    /// Whether the books are whole now.
    whole: bool,
    #[serde(flatten)]
    rebuild: Rebuild,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let database = Database::open(console).await?;
    let mode = if arguments.dry_run { RebuildMode::DryRun } else { RebuildMode::Commit };
    let (settings, now) = (&database.config.webhooks.providers, console.now());
    let missing = "add the key to the secret audit_key";
    let rebuild =
        database.store.rebuild_ledger(mode, settings, database.config.stash_ratio, database.actor(), now);
    let rebuild = rebuild.await.map_err(|error| failed(&error, missing))?;
    let verified =
        database.store.verify_ledger(None, |_, _| ()).await.map_err(|error| failed(&error, missing))?;
    let body = Body { dry_run: arguments.dry_run, whole: verified.findings.is_empty(), rebuild };
    arguments.output.print(console, "investiq.ledger.rebuild.v1", &body, text)?;
    Ok(if body.whole { Exit::Success } else { Exit::Findings })
}

fn text(Body { dry_run, whole, rebuild }: &Body) -> String {
    if *whole && *rebuild == Rebuild::default() {
        return "whole: nothing to restore\n".to_owned();
    }
    let Rebuild { excluded, restored_facts, subjects, corrections, holders, accounts, jobs, lost } = rebuild;
    let excluded: String = excluded.iter().map(|row: &Place| format!("  {row}\n")).collect();
    let verb = if *dry_run { "would be" } else { "were" };
    let lost = match lost.is_empty() {
        true => String::new(),
        false => format!("These are only in a backup:\n{}", findings_table(lost)),
    };
    let rest = match (dry_run, whole) {
        (true, _) => "",
        (false, true) => "The books are whole.\n",
        (false, false) => "The books are still damaged: run `investiq ledger verify`.\n",
    };
    format!(
        "{restored_facts} facts {verb} read again, {} subjects folded again, {corrections} transactions added, \
         balances of {} holders summed again, {accounts} accounts and {jobs} jobs restored.\n\
         Rows that {verb} excluded, because nobody with the audit key wrote them: {}\n{excluded}{lost}{rest}",
        subjects.len(),
        holders.len(),
        rebuild.excluded.len(),
    )
}
