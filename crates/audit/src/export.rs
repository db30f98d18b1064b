//! A chain as JSON lines, and the check that works from them alone.
//!
//! The first line says the format, each entry is a line, the last line is the head:
//!
//! ```text
//! {"format":"investiq.audit.v1"}
//! {"sequence":1,"at_us":1767366245000006,"actor":"…","action":"…","object":"…","request_id":null,"detail":"{}","previous":"00…","key":"…","hash":"…"}
//! {"head":{"sequence":1,"hash":"…","key":"…","seal":"…"}}
//! ```

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::chain::Sealed;
use crate::entry::DETAIL_BYTES_MAX;
use crate::fault::Fault;
use crate::head::{Head, WrittenHead};
use crate::key::Key;
use crate::verifier::{Verified, Verifier};

/// What the first line says.
pub const FORMAT: &str = "investiq.audit.v1";
/// Longest line, in bytes: the longest detail with each of its bytes escaped as six, and the other fields.
pub const LINE_BYTES_MAX: usize = 6 * DETAIL_BYTES_MAX + 16 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    format: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Last {
    head: WrittenHead,
}

/// Why an export is not what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportFault {
    /// A line cannot be read.
    #[error("line {line} is no line of an audit export")]
    Line {
        /// Which, counted from 1.
        line: u64,
    },
    /// The first line names no format that is known.
    #[error("the first line does not name the format {FORMAT}")]
    Format,
    /// A line stands after the head.
    #[error("line {line} stands after the head")]
    AfterHead {
        /// Which, counted from 1.
        line: u64,
    },
    /// The head is missing.
    #[error("the export ends after entry {sequence} without a head: it is cut off")]
    NoHead {
        /// The last entry that is there.
        sequence: u64,
    },
    /// The chain is broken.
    #[error(transparent)]
    Chain(#[from] Fault),
}

/// The first line, without its line end.
#[must_use]
pub fn first_line() -> String {
    json(&First { format: FORMAT.to_owned() })
}

/// The line of an entry, without its line end.
#[must_use]
pub fn entry_line(sealed: &Sealed) -> String {
    json(sealed)
}

/// The last line, without its line end.
#[must_use]
pub fn head_line(head: &Head) -> String {
    json(&Last { head: head.written() })
}

fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("texts and numbers are always written as JSON")
}

/// The head in a line that [`head_line`] wrote; its seal is not checked yet.
#[must_use]
pub fn read_head(line: &str) -> Option<WrittenHead> {
    read::<Last>(line).map(|last| last.head)
}

/// Checks an export line by line.
#[derive(Debug)]
pub struct Reader<'a> {
    key: &'a Key,
    verifier: Verifier<'a>,
    lines: u64,
    sequence: u64,
    head: Option<Head>,
}

impl<'a> Reader<'a> {
    /// Begins before the first line.
    #[must_use]
    pub fn new(key: &'a Key) -> Self {
        Self { key, verifier: Verifier::new(key), lines: 0, sequence: 0, head: None }
    }

    /// The chain must go through a head that was kept elsewhere.
    #[must_use]
    pub fn witness(self, head: Head) -> Self {
        Self { verifier: self.verifier.witness(head), ..self }
    }

    /// Takes the next line, without its line end.
    ///
    /// # Errors
    /// [`ExportFault`]: the first thing that is wrong.
    pub fn line(&mut self, text: &str) -> Result<(), ExportFault> {
        self.lines += 1;
        if self.lines == 1 {
            return check_format(text);
        }
        if self.head.is_some() {
            return Err(ExportFault::AfterHead { line: self.lines });
        }
        if let Some(sealed) = read::<Sealed>(text) {
            self.verifier.feed(&sealed)?;
            self.sequence = sealed.sequence;
            return Ok(());
        }
        let last: Last = read(text).ok_or(ExportFault::Line { line: self.lines })?;
        self.head = Some(last.head.open(self.key)?);
        Ok(())
    }

    /// Ends after the last line.
    ///
    /// # Errors
    /// [`ExportFault`] when the head did not come or names another end.
    pub fn finish(self) -> Result<Verified, ExportFault> {
        let head = self.head.ok_or(ExportFault::NoHead { sequence: self.sequence })?;
        Ok(self.verifier.finish(&head)?)
    }
}

/// Reads a line that is byte for byte what is written here: a field more, or one that stands twice, would be something in
/// the export that no key authenticates.
fn read<T: Serialize + DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok().filter(|line| json(line) == text)
}

fn check_format(text: &str) -> Result<(), ExportFault> {
    match read::<First>(text) {
        Some(first) if first.format == FORMAT => Ok(()),
        Some(_) | None => Err(ExportFault::Format),
    }
}
