//! Tickers of equities.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

use crate::text::text_form;

/// Longest ticker with its share class and market: one byte less than the shortest symbol of an option.
pub const SYMBOL_BYTES_MAX: usize = 15;
/// Most suffixes, such as the class and the market of `VOLV-B.ST`.
const SUFFIXES_MAX: usize = 2;
/// Longest suffix.
const SUFFIX_BYTES_MAX: usize = 3;

/// A ticker such as `AAPL`, `BRK.B`, `0700.HK` or `VOLV-B.ST`: letters and digits, then at most two suffixes of one to three
/// letters or digits, each after a `.` or a `-`; 1 to 15 bytes.
///
/// Case is part of it: at a vendor, `AMpB` (a preferred share) and `AMPB` are two securities.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    bytes: [u8; SYMBOL_BYTES_MAX],
    len: u8,
}

/// Why a text is not a [`Symbol`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "symbol must be 1 to 15 letters and digits, with at most two suffixes of 1 to 3 such as BRK.B or VOLV-B.ST"
)]
pub struct SymbolError;

impl Symbol {
    /// What [`FromStr`] accepts of at most [`SYMBOL_BYTES_MAX`] bytes, as a regular expression.
    pub const PATTERN: &'static str = "^[A-Za-z0-9]{1,15}([.-][A-Za-z0-9]{1,3}){0,2}$";

    /// The ticker as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Only ASCII is stored, so the fallback is never used.
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }

    /// The symbol of `listed` that a client means: the same spelling, or else the only one with the same letters, if one of the
    /// two spellings is in lower case and the other in upper case. Lower case is how people type a ticker, while mixed case
    /// always names one security, so this never mistakes one listed security for another.
    ///
    /// # Errors
    /// The listed symbols that differ in case alone, possibly none.
    pub fn resolve(self, listed: impl IntoIterator<Item = Self>) -> Result<Self, Vec<Self>> {
        let mut similar = Vec::new();
        for symbol in listed {
            if symbol == self {
                return Ok(self);
            }
            if symbol.as_str().eq_ignore_ascii_case(self.as_str()) {
                similar.push(symbol);
            }
        }
        match similar[..] {
            [only] if !self.is_mixed_case() && !only.is_mixed_case() => Ok(only),
            _ => Err(similar),
        }
    }

    /// The same letters in upper case.
    #[must_use]
    pub fn to_upper_case(mut self) -> Self {
        self.bytes.make_ascii_uppercase();
        self
    }

    fn is_mixed_case(self) -> bool {
        self.bytes.iter().any(u8::is_ascii_lowercase) && self.bytes.iter().any(u8::is_ascii_uppercase)
    }
}

impl FromStr for Symbol {
    type Err = SymbolError;

    fn from_str(text: &str) -> Result<Self, SymbolError> {
        let raw = text.as_bytes();
        if raw.len() > SYMBOL_BYTES_MAX {
            return Err(SymbolError);
        }
        for (at, part) in raw.split(|byte| matches!(byte, b'.' | b'-')).enumerate() {
            let bytes_max = if at == 0 { SYMBOL_BYTES_MAX } else { SUFFIX_BYTES_MAX };
            let is_part = (1..=bytes_max).contains(&part.len()) && part.iter().all(u8::is_ascii_alphanumeric);
            if !is_part || at > SUFFIXES_MAX {
                return Err(SymbolError);
            }
        }
        let mut bytes = [0; SYMBOL_BYTES_MAX];
        bytes[..raw.len()].copy_from_slice(raw);
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

    fn symbol(text: &str) -> Symbol {
        text.parse().unwrap()
    }

    #[test]
    fn tickers_keep_their_case_and_paths_are_none() {
        for text in [
            "AAPL",
            "aapl",
            "AMpB",
            "BRK.B",
            "bf-a",
            "A",
            "3M",
            "0700.HK",
            "7203.T",
            "BRK-B",
            "VOLV-B.ST",
            "ABC.WS.A",
            "HINDUNILVR.NS",
            "600519",
            "ABCDEFGHIJKLMNO",
        ] {
            assert_eq!(text.parse::<Symbol>().as_ref().map(Symbol::as_str), Ok(text));
        }
        for text in [
            "",
            ".A",
            "A.",
            "A..B",
            "A.B.C.D",
            "A.BCDE",
            "../etc",
            "AA/PL",
            "AAPL ",
            "ΑAPL",
            "AAPL\n",
            "..",
            "F240119C00010000",
            "^SPX",
            "BTC/USD",
        ] {
            assert_eq!(text.parse::<Symbol>(), Err(SymbolError), "{text:?}");
        }
    }

    #[test]
    fn a_spelling_never_resolves_to_another_security() {
        let (both, one, preferred) = (vec!["AMPB", "AMpB"], vec!["MSFT", "AMPB"], vec!["AMpB"]);
        for (written, listed, expected) in [
            ("AMpB", &both, Ok("AMpB")),
            ("AMPB", &both, Ok("AMPB")),
            // It may mean either of the two.
            ("ampb", &both, Err(both.clone())),
            ("AmPB", &both, Err(both.clone())),
            ("ampb", &one, Ok("AMPB")),
            ("AMpB", &one, Err(vec!["AMPB"])),
            ("AMPB", &preferred, Err(preferred.clone())),
            ("ampb", &preferred, Err(preferred.clone())),
            ("0700.hk", &vec!["0700.HK"], Ok("0700.HK")),
            ("AAPL", &vec!["aapl"], Ok("aapl")),
            ("ZZZZ", &both, Err(vec![])),
        ] {
            let resolved = symbol(written).resolve(listed.iter().map(|text| symbol(text)));
            let expected = expected.map(symbol).map_err(|similar| similar.into_iter().map(symbol).collect());
            assert_eq!(resolved, expected, "{written} of {listed:?}");
        }
    }
}
