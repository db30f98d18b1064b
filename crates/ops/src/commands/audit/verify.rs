//! `investiq audit verify`: checks every entry of the chain, in the database or in an export, and names the first that is
//! wrong and why.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use audit::export::{ExportError, LINE_BYTES_MAX, LineVerifier};
use audit::{ChainError, Head, Key, VerifiedChain};
use serde::Serialize;
use store::{OpenError, VerifyError};
use telemetry::with_causes;

use crate::console::Console;
use crate::database::{DatabaseLocation, open};
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;

use super::witness;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Check this export instead of the database
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// For an export: the key, in a file as the secret has it; without it the one that the server has
    #[arg(long, value_name = "FILE", requires = "file")]
    key: Option<PathBuf>,
    /// The chain must go through this head, which `audit head` printed and somebody kept
    #[arg(long, value_name = "FILE")]
    witness: Option<PathBuf>,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Body {
    whole: bool,
    entries: Option<u64>,
    hash: Option<String>,
    sequence: Option<u64>,
    reason: Option<&'static str>,
    detail: Option<String>,
}

/// What a check found.
enum Outcome {
    Whole(VerifiedChain),
    Broken { sequence: Option<u64>, reason: &'static str, detail: String },
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let outcome = match &arguments.file {
        Some(path) => in_export(path, arguments, console).await?,
        None => in_database(arguments, console).await?,
    };
    tell(outcome, arguments.form, console)
}

async fn in_database(arguments: &Arguments, console: &Console) -> Result<Outcome, Failure> {
    let DatabaseLocation { config: _, url, key } = DatabaseLocation::find(console).await?;
    let witness = match kept_head(arguments, &key)? {
        Ok(witness) => witness,
        Err(fault) => return Ok(fault.into()),
    };
    let store = match open(url, key, console).await {
        Ok(store) => store,
        Err(error) => return of_open(error),
    };
    let bar = console.bar(0, "checking");
    let progress = |done, of| {
        bar.set_length(of);
        bar.set_position(done);
    };
    let outcome = store.verify_audit(witness, progress).await;
    bar.finish_and_clear();
    match outcome {
        Ok(verified) => Ok(Outcome::Whole(verified)),
        Err(VerifyError::Damaged(fault)) => Ok(fault.into()),
        Err(VerifyError::NoHead) => Ok(Outcome::no_head()),
        Err(error @ VerifyError::Unread(_)) => Err(Failure::Broken(with_causes(&error))),
    }
}

/// A chain whose head is not ours keeps the database from being opened, and that is what a check is to find.
fn of_open(error: OpenError) -> Result<Outcome, Failure> {
    match error {
        OpenError::Audit(store::Error::Chain(fault)) => Ok(fault.into()),
        OpenError::Audit(store::Error::NoHead) => Ok(Outcome::no_head()),
        error => Err(Failure::Precondition(with_causes(&error))),
    }
}

/// The same for a command that has nothing to answer then.
pub(super) fn not_opened(error: OpenError, console: &mut Console) -> Result<Exit, Failure> {
    match of_open(error)? {
        Outcome::Whole(_) => Ok(Exit::Good),
        Outcome::Broken { detail, .. } => {
            console.say(&format!("investiq: the chain is damaged: {detail}"));
            Ok(Exit::Found)
        }
    }
}

async fn in_export(path: &Path, arguments: &Arguments, console: &Console) -> Result<Outcome, Failure> {
    let key = match &arguments.key {
        Some(path) => read_key(path)?,
        None => DatabaseLocation::find(console).await?.key,
    };
    let mut reader = LineVerifier::new(&key);
    match kept_head(arguments, &key)? {
        Ok(Some(head)) => reader = reader.with_checkpoint(head),
        Ok(None) => {}
        Err(fault) => return Ok(fault.into()),
    }
    let failed =
        |error: std::io::Error| Failure::Precondition(format!("reading {}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    let bar = console.bar(file.metadata().map_err(failed)?.len(), "checking");
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    while read_line(&mut lines, &mut line).map_err(failed)? > 0 {
        bar.inc(line.len() as u64);
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        // What is not UTF-8 is no line, as an empty one is none.
        if let Err(fault) = reader.line(std::str::from_utf8(text).unwrap_or_default()) {
            return Ok(fault.into());
        }
    }
    bar.finish_and_clear();
    Ok(reader.finish().map_or_else(Outcome::from, Outcome::Whole))
}

/// Reads one line, or as much of it as a line may have.
fn read_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    line.clear();
    lines.take(LINE_BYTES_MAX as u64).read_until(b'\n', line)
}

fn kept_head(arguments: &Arguments, key: &Key) -> Result<Result<Option<Head>, ChainError>, Failure> {
    match &arguments.witness {
        Some(path) => Ok(witness::read(path, key)?.map(Some)),
        None => Ok(Ok(None)),
    }
}

/// The key as the secret has it: read as the server reads it.
fn read_key(path: &Path) -> Result<Key, Failure> {
    let refused = |why: String| Failure::Precondition(format!("the key {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    let text = zeroize::Zeroizing::new(text);
    store::parse_audit_key(text.trim_end()).map_err(|error| refused(error.to_string()))
}

impl Outcome {
    fn no_head() -> Self {
        let detail = "there are entries and no head that says which is the last".to_owned();
        Self::Broken { sequence: None, reason: "no_head", detail }
    }
}

impl From<ChainError> for Outcome {
    fn from(fault: ChainError) -> Self {
        Self::Broken { sequence: Some(fault.sequence()), reason: fault.reason(), detail: fault.to_string() }
    }
}

impl From<ExportError> for Outcome {
    fn from(fault: ExportError) -> Self {
        let detail = fault.to_string();
        let reason = match fault {
            ExportError::Chain(fault) => return fault.into(),
            ExportError::Line { .. } => "line",
            ExportError::Format => "format",
            ExportError::AfterHead { .. } => "after_head",
            ExportError::NoHead { .. } => "no_head",
        };
        Self::Broken { sequence: None, reason, detail }
    }
}

fn tell(outcome: Outcome, form: Form, console: &mut Console) -> Result<Exit, Failure> {
    let (text, body, exit) = match outcome {
        Outcome::Whole(VerifiedChain { entries, hash }) => {
            let text = format!("whole: {entries} entries, the last is {hash}\n");
            let (entries, hash) = (Some(entries), Some(hash.to_string()));
            (
                text,
                Body { whole: true, entries, hash, sequence: None, reason: None, detail: None },
                Exit::Good,
            )
        }
        Outcome::Broken { sequence, reason, detail } => {
            let text = format!("broken: {detail} [{reason}]\n");
            let (reason, detail) = (Some(reason), Some(detail));
            (text, Body { whole: false, entries: None, hash: None, sequence, reason, detail }, Exit::Found)
        }
    };
    match form.json {
        true => document::answer(console, "investiq.audit.verify.v1", &body)?,
        false => console.answer(&text)?,
    }
    Ok(exit)
}
