//! `investiq ledger verify`: verifies the books in one state of the database, while the server may run. It changes nothing,
//! and names every row that is not what was written.

use std::path::PathBuf;

use serde::Serialize;
use store::{Finding, LedgerVerification, VerifyError};
use telemetry::with_causes;

use crate::commands::audit::{checkpoint, verify::report_open_error};
use crate::console::Console;
use crate::database::{DatabaseLocation, open_any};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq ledger verify\n  investiq ledger verify --checkpoint checkpoint.json --json"
)]
pub(crate) struct Arguments {
    /// Require that the audit chain contains this output of `audit checkpoint`
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Body {
    whole: bool,
    #[serde(flatten)]
    verification: LedgerVerification,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let DatabaseLocation { config, url, key, missing_key, .. } = DatabaseLocation::find(console).await?;
    let head = arguments.checkpoint.as_ref().map(|path| checkpoint::read(path, &key)).transpose()?;
    let head = head.transpose().map_err(|error| Failure::Precondition(with_causes(&error)))?;
    let store = match open_any(config.store(url), key, console).await {
        Ok(store) => store,
        Err(error) => return report_open_error(error, &missing_key, console),
    };
    let bar = console.progress_bar(0, "verifying");
    let progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let outcome = store.verify_ledger(head, progress).await;
    bar.finish_and_clear();
    let verification = outcome.map_err(|error| failed(&error, &missing_key))?;
    let body = Body { whole: verification.findings.is_empty(), verification };
    arguments.output.print(console, "investiq.ledger.verify.v1", &body, text)?;
    Ok(if body.whole { Exit::Success } else { Exit::Findings })
}

/// Why nothing is known of the books.
pub(super) fn failed(error: &VerifyError, missing_key: &str) -> Failure {
    match error {
        VerifyError::KeyMissing(_) => Failure::Precondition(format!("{}; {missing_key}", with_causes(error))),
        VerifyError::Damaged(_) | VerifyError::NoHead => Failure::Precondition(format!(
            "{}: nothing in the books can be proved; restore a backup",
            with_causes(error)
        )),
        VerifyError::Unread(_) => Failure::Incomplete(with_causes(error)),
    }
}

fn text(Body { verification, .. }: &Body) -> String {
    let LedgerVerification { audit_entries, events, facts, subjects, transactions, findings, .. } =
        verification;
    let counts = format!(
        "{audit_entries} audit entries, {events} events, {facts} facts of {subjects} subjects, {transactions} transactions"
    );
    if findings.is_empty() {
        return format!("whole: {counts}\n");
    }
    format!("damaged: {} findings in {counts}\n{}", findings.len(), findings_table(findings))
}

pub(super) fn findings_table(findings: &[Finding]) -> String {
    let row = |Finding { place, problem, detail }: &Finding| {
        [place.to_string(), problem.to_string(), detail.clone()]
    };
    table(["ROW", "PROBLEM", "DETAIL"], &findings.iter().map(row).collect::<Vec<_>>())
}
