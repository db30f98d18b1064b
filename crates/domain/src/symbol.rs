//! Tickers of equities.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::text::text_form;

/// Longest ticker, including its share class.
const SYMBOL_BYTES_MAX: usize = 12;

/// A ticker such as `AAPL`, `BRK.B` or `BF-A`: a letter, then letters and digits, with at most one `.` or `-` before a class
/// of one to three letters or digits; 1 to 12 bytes. Parsing converts it to upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    bytes: [u8; SYMBOL_BYTES_MAX],
    len: u8,
}

/// Why a text is not a [`Symbol`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "symbol must be 1 to 12 letters and digits, beginning with a letter, with at most one class such as BRK.B"
)]
pub struct SymbolError;

impl Symbol {
    /// The ticker in upper case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII is stored, so the fallback is never used.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

impl FromStr for Symbol {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        let raw = text.as_bytes();
        if raw.is_empty() || raw.len() > SYMBOL_BYTES_MAX || !raw[0].is_ascii_alphabetic() {
            return Err(SymbolError);
        }
        let mut separator = None;
        let mut bytes = [0; SYMBOL_BYTES_MAX];
        for (at, byte) in raw.iter().enumerate() {
            match byte {
                b'.' | b'-' if separator.is_none() => separator = Some(at),
                byte if byte.is_ascii_alphanumeric() => {}
                _ => return Err(SymbolError),
            }
            bytes[at] = byte.to_ascii_uppercase();
        }
        if separator.is_some_and(|at| !(1..=3).contains(&(raw.len() - at - 1))) {
            return Err(SymbolError);
        }
        let len = u8::try_from(raw.len()).map_err(|_| SymbolError)?;
        Ok(Self { bytes, len })
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

text_form!(Symbol);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickers_parse_and_paths_do_not() {
        for (text, expected) in [
            ("AAPL", Some("AAPL")),
            ("aapl", Some("AAPL")),
            ("BRK.B", Some("BRK.B")),
            ("bf-a", Some("BF-A")),
            ("A", Some("A")),
            ("ABCDEFGHIJKL", Some("ABCDEFGHIJKL")),
            ("ABCDEFGHIJKLM", None),
            ("", None),
            ("3M", None),
            (".A", None),
            ("A.", None),
            ("A..B", None),
            ("A.B.C", None),
            ("A.BCDE", None),
            ("../etc", None),
            ("AA/PL", None),
            ("AAPL ", None),
            ("ΑAPL", None),
            ("AAPL\n", None),
        ] {
            let got = text.parse::<Symbol>().ok();
            assert_eq!(got.as_ref().map(Symbol::as_str), expected, "{text:?}");
        }
    }
}
