//! A chain as JSON lines, and the verification of such an export.
//!
//! The first line names the format, each entry is a line, and the last line is the head:
//!
//! ```text
//! {"format":"investiq.audit.v1"}
//! {"sequence":1,"at_us":1767366245000006,"actor":"…","action":"…","object":"…","request_id":null,"detail":"{}","previous":"00…","key":"…","hash":"…"}
//! {"head":{"sequence":1,"hash":"…","key":"…","seal":"…"}}
//! ```

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::chain::SealedEntry;
use crate::entry::DETAIL_BYTES_MAX;
use crate::error::ChainError;
use crate::head::{Head, StoredHead};
use crate::key::Key;
use crate::verifier::{VerifiedChain, Verifier};

/// The format that the first line names.
pub const FORMAT: &str = "investiq.audit.v1";
/// Longest line, in bytes: the longest detail with every byte escaped as six, and the other fields.
pub const LINE_BYTES_MAX: usize = 6 * DETAIL_BYTES_MAX + 16 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormatLine {
    format: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadLine {
    head: StoredHead,
}

/// Why an export is not authentic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// A line is not a valid entry or head.
    #[error("line {line} is not a valid line of an audit export")]
    Line {
        /// Number of the line, from 1.
        line: u64,
    },
    /// The first line does not name the format.
    #[error("first line does not name the format {FORMAT}")]
    Format,
    /// A line follows the head.
    #[error("line {line} follows the head, which must be the last line")]
    AfterHead {
        /// Number of the line, from 1.
        line: u64,
    },
    /// The head is missing.
    #[error("export is truncated: it ends after entry {sequence} without a head")]
    NoHead {
        /// Number of the last entry in the export.
        sequence: u64,
    },
    /// The chain is not authentic.
    #[error(transparent)]
    Chain(#[from] ChainError),
}

/// The first line, without its line end.
#[must_use]
pub fn first_line() -> String {
    json(&FormatLine { format: FORMAT.to_owned() })
}

/// The line of an entry, without its line end.
#[must_use]
pub fn entry_line(sealed: &SealedEntry) -> String {
    json(sealed)
}

/// The last line, without its line end.
#[must_use]
pub fn head_line(head: &Head) -> String {
    json(&HeadLine { head: head.to_stored() })
}

fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("strings and numbers always serialize to JSON")
}

/// Parses a line that [`head_line`] wrote; its seal is not checked yet.
#[must_use]
pub fn parse_head(line: &str) -> Option<StoredHead> {
    parse::<HeadLine>(line).map(|last| last.head)
}

/// Verifies an export line by line.
#[derive(Debug)]
pub struct LineVerifier<'a> {
    key: &'a Key,
    verifier: Verifier<'a>,
    lines: u64,
    sequence: u64,
    head: Option<Head>,
}

impl<'a> LineVerifier<'a> {
    /// Starts before the first line.
    #[must_use]
    pub fn new(key: &'a Key) -> Self {
        Self { key, verifier: Verifier::new(key), lines: 0, sequence: 0, head: None }
    }

    /// Requires that the chain contains `head`, as [`Verifier::with_checkpoint`] does.
    #[must_use]
    pub fn with_checkpoint(self, head: Head) -> Self {
        Self { verifier: self.verifier.with_checkpoint(head), ..self }
    }

    /// Checks the next line, without its line end.
    ///
    /// # Errors
    /// [`ExportError`]: the first problem.
    pub fn line(&mut self, text: &str) -> Result<(), ExportError> {
        self.lines += 1;
        if self.lines == 1 {
            return check_format(text);
        }
        if self.head.is_some() {
            return Err(ExportError::AfterHead { line: self.lines });
        }
        if let Some(sealed) = parse::<SealedEntry>(text) {
            self.verifier.feed(&sealed)?;
            self.sequence = sealed.sequence;
            return Ok(());
        }
        let last: HeadLine = parse(text).ok_or(ExportError::Line { line: self.lines })?;
        self.head = Some(last.head.verify(self.key)?);
        Ok(())
    }

    /// Ends the export after its last line.
    ///
    /// # Errors
    /// [`ExportError`] when the head is missing or names another end.
    pub fn finish(self) -> Result<VerifiedChain, ExportError> {
        let head = self.head.ok_or(ExportError::NoHead { sequence: self.sequence })?;
        Ok(self.verifier.finish(&head)?)
    }
}

/// Parses a line that is byte for byte what this crate writes: an additional or repeated field would be content that no key
/// authenticates.
fn parse<T: Serialize + DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok().filter(|line| json(line) == text)
}

fn check_format(text: &str) -> Result<(), ExportError> {
    match parse::<FormatLine>(text) {
        Some(first) if first.format == FORMAT => Ok(()),
        Some(_) | None => Err(ExportError::Format),
    }
}
