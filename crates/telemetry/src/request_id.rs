//! The id of a request, and the id that a thread is working on.

use std::cell::Cell;
use std::fmt;

/// Shortest and longest id that a client may choose, in bytes.
const CLIENT_ID_BYTES: std::ops::RangeInclusive<usize> = 8..=RequestId::BYTES_MAX;

/// The id of one request: letters, digits, `-` and `_`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RequestId {
    length: u8,
    bytes: [u8; Self::BYTES_MAX],
}

impl RequestId {
    const BYTES_MAX: usize = 64;

    /// Parses an id that a client chose; `None` if it is too short, too long, or has other characters.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if !CLIENT_ID_BYTES.contains(&text.len()) || !text.iter().all(is_plain) {
            return None;
        }
        let mut bytes = [0; Self::BYTES_MAX];
        bytes[..text.len()].copy_from_slice(text);
        Some(Self { length: u8::try_from(text.len()).ok()?, bytes })
    }

    /// An id of 32 hexadecimal digits.
    #[must_use]
    pub fn from_bits(bits: [u64; 2]) -> Self {
        let mut bytes = [0; Self::BYTES_MAX];
        for (digits, bits) in bytes.chunks_exact_mut(16).zip(bits) {
            hex::encode_to_slice(bits.to_be_bytes(), digits).expect("16 digits are 8 bytes");
        }
        Self { length: 32, bytes }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The id as ASCII bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }

    /// The id of the request that this thread is working on.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.get()
    }

    /// Runs a closure as part of this request, so that log lines in it have the id.
    pub fn scope<T>(self, work: impl FnOnce() -> T) -> T {
        let _scope = Scope { previous: CURRENT.replace(Some(self)) };
        work()
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

thread_local! {
    static CURRENT: Cell<Option<RequestId>> = const { Cell::new(None) };
}

/// Restores the previous id when dropped, also after a panic.
struct Scope {
    previous: Option<RequestId>,
}

impl Drop for Scope {
    fn drop(&mut self) {
        CURRENT.set(self.previous);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_may_choose_a_plain_id_and_nothing_else() {
        for (text, is_accepted) in [
            ("abcdefgh", true),
            ("A-b_c-d_1", true),
            (&"a".repeat(64), true),
            ("abcdefg", false),
            (&"a".repeat(65), false),
            ("abcdefg\n", false),
            ("abcdefg\"", false),
            ("abcdefg\u{e9}", false),
            ("", false),
        ] {
            assert_eq!(RequestId::parse(text.as_bytes()).is_some(), is_accepted, "{text:?}");
        }
    }

    #[test]
    fn the_current_id_is_that_of_the_innermost_scope_also_after_a_panic() {
        let [outer, inner] = [[1, 2], [3, 4]].map(RequestId::from_bits);
        assert_eq!(outer.as_str(), "00000000000000010000000000000002");
        assert_eq!(RequestId::current(), None);
        outer.scope(|| {
            inner.scope(|| assert_eq!(RequestId::current(), Some(inner)));
            assert_eq!(RequestId::current(), Some(outer));
        });
        let _panic = std::panic::catch_unwind(|| outer.scope(|| panic!("on purpose")));
        assert_eq!(RequestId::current(), None);
    }
}
