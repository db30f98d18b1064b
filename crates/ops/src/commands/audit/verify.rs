//! `investiq audit verify`: verifies every entry of the chain, in the database or in an export, and reports the first that
//! is damaged. Without the key of an entry, nothing is known of the chain.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use audit::export::{ExportError, LINE_BYTES_MAX, LineVerifier};
use audit::{ChainError, Head, Key, VerifiedChain};
use serde::Serialize;
use store::{OpenError, VerifyError};
use telemetry::with_causes;

use super::checkpoint;
use crate::console::Console;
use crate::database::{DatabaseLocation, open_any};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq audit verify\n  investiq audit verify --checkpoint checkpoint.json\n  investiq audit verify --file chain.jsonl --key secrets/audit_key"
)]
pub(crate) struct Arguments {
    /// Verify this export instead of the database
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// File with the key of the export [default: the secret audit_key]
    #[arg(long, value_name = "FILE", requires = "file")]
    key: Option<PathBuf>,
    /// Require that the chain contains this output of `audit checkpoint`
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[command(flatten)]
    output: OutputFormat,
}

/// The reason of a verification that lacks a key.
const KEY_MISSING: &str = "unknown_key";

/// The result of a verification.
#[derive(Default, Serialize)]
pub(super) struct Verification {
    intact: bool,
    entries: Option<u64>,
    hash: Option<String>,
    sequence: Option<u64>,
    reason: Option<&'static str>,
    detail: Option<String>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let result = match &arguments.file {
        Some(path) => verify_export(path, arguments, console).await?,
        None => verify_database(arguments, console).await?,
    };
    arguments.output.print(console, "investiq.audit.verify.v1", &result, Verification::text)?;
    Ok(result.exit())
}

async fn verify_database(arguments: &Arguments, console: &Console) -> Result<Verification, Failure> {
    let DatabaseLocation { config, url, key, missing_key, .. } = DatabaseLocation::find(console).await?;
    let checkpoint = match read_checkpoint(arguments, &key)? {
        Ok(checkpoint) => checkpoint,
        Err(error) => return Ok(Verification::from(error).with_hint(&missing_key)),
    };
    let store = match open_any(config.store(url), key, console).await {
        Ok(store) => store,
        Err(error) => return Ok(from_open_error(error)?.with_hint(&missing_key)),
    };
    let bar = console.progress_bar(0, "verifying");
    let progress = |done, total| {
        bar.set_length(total);
        bar.set_position(done);
    };
    let outcome = store.verify_audit(checkpoint, progress).await;
    bar.finish_and_clear();
    match outcome {
        Ok(verified) => Ok(verified.into()),
        Err(VerifyError::Damaged(error)) => Ok(error.into()),
        Err(VerifyError::KeyMissing(error)) => Ok(Verification::from(error).with_hint(&missing_key)),
        Err(VerifyError::NoHead) => Ok(Verification::no_head()),
        Err(error @ VerifyError::Unread(_)) => Err(Failure::Incomplete(with_causes(&error))),
    }
}

/// A head that is damaged, or whose key is missing, prevents that the database is opened, and is the result of the
/// verification.
fn from_open_error(error: OpenError) -> Result<Verification, Failure> {
    match error {
        OpenError::Audit(store::Error::Chain(error)) => Ok(error.into()),
        OpenError::Audit(store::Error::NoHead) => Ok(Verification::no_head()),
        error => Err(Failure::Precondition(with_causes(&error))),
    }
}

/// Reports such a head in a command that needs an open database.
pub(in crate::commands) fn report_open_error(
    error: OpenError,
    missing_key: &str,
    console: &mut Console,
) -> Result<Exit, Failure> {
    Ok(from_open_error(error)?.with_hint(missing_key).report("", console))
}

async fn verify_export(
    path: &Path,
    arguments: &Arguments,
    console: &Console,
) -> Result<Verification, Failure> {
    let (key, missing_key) = match &arguments.key {
        Some(path) => (read_key(path)?, format!("looked in {}; name its file with --key", path.display())),
        None => {
            let DatabaseLocation { key, missing_key, .. } = DatabaseLocation::find(console).await?;
            (key, missing_key)
        }
    };
    let mut verifier = LineVerifier::new(&key);
    match read_checkpoint(arguments, &key)? {
        Ok(Some(head)) => verifier = verifier.with_checkpoint(head),
        Ok(None) => {}
        Err(error) => return Ok(Verification::from(error).with_hint(&missing_key)),
    }
    let failed =
        |error: std::io::Error| Failure::Precondition(format!("cannot read {}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(failed)?;
    let bar = console.progress_bar(file.metadata().map_err(failed)?.len(), "verifying");
    let mut lines = BufReader::new(file);
    let mut line = Vec::new();
    while read_line(&mut lines, &mut line).map_err(failed)? > 0 {
        bar.inc(line.len() as u64);
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        // Invalid UTF-8 is rejected as an empty line is.
        if let Err(error) = verifier.line(std::str::from_utf8(text).unwrap_or_default()) {
            return Ok(Verification::from(error).with_hint(&missing_key));
        }
    }
    bar.finish_and_clear();
    Ok(verifier.finish().map_or_else(Verification::from, Verification::from))
}

/// Reads one line, or as much of it as a valid line may have.
fn read_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<usize> {
    line.clear();
    lines.take(LINE_BYTES_MAX as u64).read_until(b'\n', line)
}

fn read_checkpoint(arguments: &Arguments, key: &Key) -> Result<Result<Option<Head>, ChainError>, Failure> {
    match &arguments.checkpoint {
        Some(path) => Ok(checkpoint::read(path, key)?.map(Some)),
        None => Ok(Ok(None)),
    }
}

/// Reads a key as the server reads the secret `audit_key`.
fn read_key(path: &Path) -> Result<Key, Failure> {
    let failed =
        |cause: String| Failure::Precondition(format!("cannot read the key {}: {cause}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let text = zeroize::Zeroizing::new(text);
    store::parse_audit_key(text.trim_end()).map_err(|error| failed(error.to_string()))
}

impl Verification {
    fn no_head() -> Self {
        let detail = "there are entries but no head".to_owned();
        Self { reason: Some("no_head"), detail: Some(detail), ..Self::default() }
    }

    fn lacks_key(&self) -> bool {
        self.reason.is_some_and(|reason| reason == KEY_MISSING)
    }

    /// Adds where a missing key was looked for.
    pub(super) fn with_hint(mut self, missing_key: &str) -> Self {
        if self.lacks_key() {
            let detail = self.detail.unwrap_or_default();
            self.detail = Some(format!(
                "{detail}; {missing_key}. If there never was a key with this id, the entry was changed"
            ));
        }
        self
    }

    fn exit(&self) -> Exit {
        match self.intact {
            true => Exit::Success,
            false if self.lacks_key() => Exit::Precondition,
            false => Exit::Findings,
        }
    }

    fn text(&self) -> String {
        match (self.entries, &self.hash, &self.detail, self.reason) {
            (Some(entries), Some(hash), ..) => format!("intact: {entries} entries, head hash {hash}\n"),
            (.., detail, reason) => {
                let found = if self.lacks_key() { "not verified" } else { "damaged" };
                let (detail, reason) = (detail.as_deref().unwrap_or_default(), reason.unwrap_or_default());
                format!("{found}: {detail} [{reason}]\n")
            }
        }
    }

    /// Reports on standard error what is wrong.
    pub(super) fn report(&self, suffix: &str, console: &mut Console) -> Exit {
        let what = if self.lacks_key() { "cannot be verified" } else { "is damaged" };
        let detail = self.detail.as_deref().unwrap_or_default();
        console.eprint(&format!("investiq: the audit chain {what}: {detail}{suffix}"));
        self.exit()
    }
}

impl From<VerifiedChain> for Verification {
    fn from(VerifiedChain { entries, hash }: VerifiedChain) -> Self {
        Self { intact: true, entries: Some(entries), hash: Some(hash.to_string()), ..Self::default() }
    }
}

impl From<ChainError> for Verification {
    fn from(error: ChainError) -> Self {
        let (sequence, reason) = (Some(error.sequence()), Some(error.reason()));
        Self { sequence, reason, detail: Some(error.to_string()), ..Self::default() }
    }
}

impl From<ExportError> for Verification {
    fn from(error: ExportError) -> Self {
        let detail = Some(error.to_string());
        let reason = match error {
            ExportError::Chain(error) => return error.into(),
            ExportError::Line { .. } => "line",
            ExportError::Format => "format",
            ExportError::AfterHead { .. } => "after_head",
            ExportError::NoHead { .. } => "no_head",
        };
        Self { reason: Some(reason), detail, ..Self::default() }
    }
}
