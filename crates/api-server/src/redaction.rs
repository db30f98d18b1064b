//! Removes API keys from text of a client before it leaves the server, in log lines, problems and request ids: clients put keys into
//! paths and user agents by mistake.
//!
//! A part of the text is a key if it has the prefix of our format, or if it is a key in use. Such a key without the prefix is not
//! found if it contains a separator.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::memmem;
use percent_encoding::percent_decode;

use crate::keys::{AuthMode, KeyRing};

/// Shorter text has no key: 16 printable characters have fewer bits than a key must have.
const KEY_BYTES_MIN: usize = 16;
/// Most parts of a text that are compared with keys.
const PARTS_MAX: usize = 64;
const PREFIX: &[u8] = b"iq_";
const REDACTED: &[u8] = b"[redacted]";

/// The keys in use; none on an open server.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redaction {
    ring: Option<Arc<KeyRing>>,
}

impl Redaction {
    pub(crate) fn new(mode: &AuthMode) -> Self {
        let ring = match mode {
            AuthMode::Keys(ring) => Some(Arc::clone(ring)),
            AuthMode::Open => None,
        };
        Self { ring }
    }

    /// The text without keys, and without percent-encoding; `None` if it has no key.
    pub(crate) fn redacted(&self, text: &[u8]) -> Option<Vec<u8>> {
        if text.len() < KEY_BYTES_MIN {
            return None;
        }
        let text = Cow::from(percent_decode(text));
        // More of them would cost more than the request.
        if text.split(is_separator).filter(|part| part.len() >= KEY_BYTES_MIN).nth(PARTS_MAX).is_some() {
            return Some(REDACTED.to_vec());
        }
        if !text.split(is_separator).any(|part| self.is_key(part)) {
            return None;
        }
        let mut clean = Vec::with_capacity(text.len());
        for part in text.split_inclusive(is_separator) {
            let end = part.len() - usize::from(part.last().is_some_and(is_separator));
            clean.extend_from_slice(if self.is_key(&part[..end]) { REDACTED } else { &part[..end] });
            clean.extend_from_slice(&part[end..]);
        }
        Some(clean)
    }

    /// As [`redacted`](Self::redacted), or the text itself.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let clean = self.redacted(text.as_bytes());
        clean.map_or(Cow::Borrowed(text), |clean| Cow::Owned(String::from_utf8_lossy(&clean).into_owned()))
    }

    fn is_key(&self, part: &[u8]) -> bool {
        part.len() >= KEY_BYTES_MIN
            && (memmem::find(part, PREFIX).is_some()
                || self.ring.as_ref().is_some_and(|ring| ring.contains(part)))
    }
}

/// What stands around a key in a path, a user agent, a sentence or JSON, or between it and its role.
fn is_separator(byte: &u8) -> bool {
    matches!(
        byte,
        0..=b' '
            | b'/'
            | b'?'
            | b'&'
            | b'='
            | b';'
            | b':'
            | b','
            | b'"'
            | b'\''
            | b'`'
            | b'('
            | b')'
            | b'<'
            | b'>'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'|'
            | b'\\'
            | b'@'
    )
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use config::api_keys::{KeyMode, KeySet, generate};
    use rate_limit::Limit;
    use telemetry::metrics::{Labels, Metrics};

    use super::*;

    const KEY: &str = "k7Vn2Qx9LpR4tYw8ZbM3cDf6HjGs5Aa1";

    fn redaction() -> Redaction {
        let limit = Limit { per_minute: NonZeroU32::MIN, burst: NonZeroU32::MIN };
        let metrics = Arc::new(Metrics::new(Labels::default()).unwrap());
        let ring = KeyRing::new(KeySet::parse(KEY, limit).unwrap(), limit, metrics);
        Redaction::new(&AuthMode::Keys(Arc::new(ring)))
    }

    #[test]
    fn keys_are_removed_wherever_they_stand() {
        let generated = generate(KeyMode::Live).unwrap();
        for key in [KEY, generated.expose(), generated.expose().get(..40).unwrap()] {
            let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
            for (text, expected) in [
                (format!("/api/analyze/{key}"), "/api/analyze/[redacted]"),
                (format!("/{key}/x"), "/[redacted]/x"),
                (format!("/{encoded}/x"), "/[redacted]/x"),
                (format!("curl/8 (key={key}:admin; x)"), "curl/8 (key=[redacted]:admin; x)"),
                (format!("days: \"{key}\" is no number"), "days: \"[redacted]\" is no number"),
                (key.to_owned(), "[redacted]"),
                (format!("x [{key}]|{{{key}}}"), "x [[redacted]]|{[redacted]}"),
                ("0123456789abcdef/".repeat(66), "[redacted]"),
            ] {
                assert_eq!(redaction().text(&text), expected);
            }
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        let other = [
            "",
            "/api/analyze/AAPL",
            "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101",
            "iq_",
            "/caf%C3%A9/%5EGSPC/x",
        ];
        for text in other.into_iter().chain(["d1f0c5a2-7c3e-4a51-9d54-0d6a1b7f2e11", &KEY.to_lowercase()]) {
            assert_eq!(redaction().redacted(text.as_bytes()), None, "{text}");
        }
        assert_eq!(Redaction::default().text(KEY), KEY, "an open server has no keys");
    }
}
