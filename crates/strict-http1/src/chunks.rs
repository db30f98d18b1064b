//! Follows a chunked body to its end, and detects the first invalid byte (RFC 9112 §7.1).
//!
//! Stricter than the grammar where leniency helps only attackers: no white space around a size, at most
//! [`SIZE_DIGITS_MAX`] digits, short extensions, few trailers. The bytes themselves are decoded by hyper.

/// Hexadecimal digits in a chunk size: 4 GiB, far over any body limit, and far under an overflow.
const SIZE_DIGITS_MAX: u8 = 8;
/// Bytes of one chunk extension. Normal clients send none.
const EXTENSION_BYTES_MAX: u16 = 256;
/// Bytes of all trailer lines together.
const TRAILER_BYTES_MAX: u16 = 4096;

/// The position of the next byte in a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chunks {
    Size { digits: u8, size: u64 },
    Extension { size: u64, bytes: u16 },
    SizeLf { size: u64 },
    Data { remaining: u64 },
    DataCr,
    DataLf,
    TrailerStart { bytes: u16 },
    Trailer { bytes: u16 },
    TrailerLf { bytes: u16 },
    EndLf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All bytes belong to the body, which continues.
    More,
    /// The body ended after the consumed bytes.
    Done,
    /// The byte after the consumed ones does not belong to the body.
    Invalid,
}

impl Chunks {
    /// The start of a chunked body.
    pub(crate) const START: Self = Self::Size { digits: 0, size: 0 };

    /// Consumes bytes of the body; returns their number, and why it stopped.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> (usize, Outcome) {
        let mut at = 0;
        while at < bytes.len() {
            if let Self::Data { remaining } = *self {
                let consumed = usize::try_from(remaining).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += consumed;
                let remaining = remaining - consumed as u64;
                *self = if remaining == 0 { Self::DataCr } else { Self::Data { remaining } };
                continue;
            }
            match self.step(bytes[at]) {
                Some(next) => *self = next,
                None if *self == Self::EndLf && bytes[at] == b'\n' => return (at + 1, Outcome::Done),
                None => return (at, Outcome::Invalid),
            }
            at += 1;
        }
        (at, Outcome::More)
    }

    /// The state after one byte of framing; `None` when there is none.
    fn step(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Size { digits, size }, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = u64::from(char::from(byte).to_digit(16)?);
                (digits < SIZE_DIGITS_MAX)
                    .then_some(Self::Size { digits: digits + 1, size: size * 16 + digit })
            }
            (Self::Size { digits: 1.., size }, b';') => Some(Self::Extension { size, bytes: 0 }),
            (Self::Size { digits: 1.., size } | Self::Extension { size, .. }, b'\r') => {
                Some(Self::SizeLf { size })
            }
            (Self::Extension { size, bytes }, b'\t' | b' '..=b'~') => {
                (bytes < EXTENSION_BYTES_MAX).then_some(Self::Extension { size, bytes: bytes + 1 })
            }
            (Self::SizeLf { size: 0 }, b'\n') => Some(Self::TrailerStart { bytes: 0 }),
            (Self::SizeLf { size }, b'\n') => Some(Self::Data { remaining: size }),
            (Self::DataCr, b'\r') => Some(Self::DataLf),
            (Self::DataLf, b'\n') => Some(Self::START),
            (Self::TrailerStart { .. }, b'\r') => Some(Self::EndLf),
            (Self::Trailer { bytes }, b'\r') => Some(Self::TrailerLf { bytes }),
            (Self::TrailerStart { bytes } | Self::Trailer { bytes }, b'\t' | b' '..=b'~') => {
                (bytes < TRAILER_BYTES_MAX).then_some(Self::Trailer { bytes: bytes + 1 })
            }
            (Self::TrailerLf { bytes }, b'\n') => Some(Self::TrailerStart { bytes }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advance(body: &[u8]) -> (usize, Outcome) {
        let mut chunks = Chunks::START;
        chunks.advance(body)
    }

    fn check(body: &[u8]) -> (usize, Outcome) {
        let whole = advance(body);
        for split in 0..=body.len().min(whole.0) {
            let mut chunks = Chunks::START;
            let first = chunks.advance(&body[..split]);
            let split_result = if first.1 == Outcome::More {
                let second = chunks.advance(&body[split..]);
                (first.0 + second.0, second.1)
            } else {
                first
            };
            assert_eq!(split_result, whole, "split at {split} of {:?}", String::from_utf8_lossy(body));
        }
        whole
    }

    #[test]
    fn a_body_ends_where_its_framing_says_however_it_is_split() {
        assert_eq!(check(b"5\r\nhello\r\n0\r\n\r\nGET"), (15, Outcome::Done));
        assert_eq!(check(b"A;name=value\r\n0123456789\r\n00\r\nX-T: 1\r\n\r\n"), (40, Outcome::Done));
        assert_eq!(check(b"5\r\nhel"), (6, Outcome::More));
    }

    #[test]
    fn the_first_byte_that_does_not_belong_is_found() {
        for (body, at) in [
            (&b"\r\n"[..], 0),
            (b"+5\r\n", 0),
            (b"0x5\r\n", 1),
            (b"5 \r\n", 1),
            (b"5\nhello", 1),
            (b"5\r\rhello", 3 - 1),
            (b"5\r\nhello!\r\n", 8),
            (b"5\r\nhello\n", 8),
            (b"FFFFFFFFFFFFFFFFF\r\n", 8),
            (b"5;a\nhello", 3),
            (b"0\r\nX: 1\n\r\n", 7),
        ] {
            assert_eq!(check(body), (at, Outcome::Invalid), "{:?}", String::from_utf8_lossy(body));
        }
        let long = [b"5;".as_slice(), &[b'a'; 20_000], b"\r\n"].concat();
        assert_eq!(advance(&long), (2 + 256, Outcome::Invalid));
        let trailers = [b"0\r\n".as_slice(), &b"a: 1\r\n".repeat(2000), b"\r\n"].concat();
        assert_eq!(advance(&trailers).1, Outcome::Invalid);
    }
}
