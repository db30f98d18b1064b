//! Finished answers, kept as bytes: the same question about the same data is computed and written once.
//!
//! A key holds everything that the bytes depend on, the data's version included, so that an entry is never wrong and
//! never has to be invalidated. Entries and bytes are bounded.

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// Whether anything is kept at all: a benchmark of the computation turns it off.
    pub enabled: bool,
    /// Most answers that are kept.
    pub entries_max: usize,
    /// Most bytes that are kept.
    pub bytes_max: usize,
}
