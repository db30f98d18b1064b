//! Fields of a body that is a JSON object.
//!
//! A field of an unexpected type is no error here: the delivery is genuine, and is stored for a later version to interpret.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::channel::Channel;
use crate::encoding::sha256_hex;
use crate::rejection::Rejection;

/// Longest id of an event or a resource that is used as it is, in bytes.
const ID_BYTES_MAX: usize = 128;
/// The event type of a body that names none.
pub(crate) const UNKNOWN: &str = "unknown";

/// A field of any type. It has no `Debug`: bodies name people.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(transparent)]
pub(crate) struct Field<'a>(#[serde(borrow)] Option<&'a RawValue>);

impl<'a> Field<'a> {
    /// A string, or a number as it is written.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        let raw = self.0?.get();
        match raw.as_bytes().first()? {
            b'"' => serde_json::from_str(raw).ok(),
            b'0'..=b'9' | b'-' => Some(Cow::Borrowed(raw)),
            _ => None,
        }
    }

    /// A text that is safe in a key, a column and a log line as it is.
    pub(crate) fn plain(self) -> Option<Box<str>> {
        self.text().filter(|text| is_plain(text)).map(|text| text.into_owned().into_boxed_str())
    }

    pub(crate) fn time(self) -> Option<Timestamp> {
        self.text()?.parse().ok()
    }

    /// Fields of an object; the default when the field is no such object.
    pub(crate) fn fields<T: Deserialize<'a> + Default>(self) -> T {
        self.0.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    pub(crate) fn is_true(self) -> bool {
        self.0.is_some_and(|raw| raw.get() == "true")
    }

    pub(crate) fn is_present(self) -> bool {
        self.0.is_some_and(|raw| raw.get() != "null")
    }
}

impl<'a> From<&'a RawValue> for Field<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(Some(raw))
    }
}

/// 1 to 128 bytes of letters, digits, `-`, `_`, `.`, `:` and `*`.
pub(crate) fn is_plain(text: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:*".contains(&byte))
}

/// Parses the body, which must be a JSON object.
pub(crate) fn fields<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Rejection> {
    let text = std::str::from_utf8(body).map_err(|_| Rejection::malformed("body", "it is not UTF-8"))?;
    // Serde parses a struct from an array too; a body must be an object.
    if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        return Err(Rejection::malformed("body", "it is not a JSON object"));
    }
    serde_json::from_str(text).map_err(|_| Rejection::malformed("body", "it is not a JSON object"))
}

/// A key for a body without an id: the channel and the digest. Channels interpret a body differently: a copy that somebody sends
/// to the wrong one first must not make the right one a duplicate.
pub(crate) fn digest_key(channel: Channel, body: &[u8]) -> Box<str> {
    format!("{channel}/sha256:{}", sha256_hex(body)).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Sample<'a> {
        #[serde(borrow)]
        a: Field<'a>,
        b: Field<'a>,
    }

    #[test]
    fn fields_of_any_type_are_accepted() {
        let body = br#"{"a":"x\u002dy","b":12345678901234567890.10,"c":{}}"#;
        let sample: Sample<'_> = fields(body).unwrap();
        assert_eq!(sample.a.plain().as_deref(), Some("x-y"));
        assert_eq!(sample.b.text().as_deref(), Some("12345678901234567890.10"));
        let sample: Sample<'_> = fields(br#"{"a":{"z":1},"b":null}"#).unwrap();
        assert!(sample.a.text().is_none() && sample.a.is_present() && !sample.b.is_present());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in
            [&b""[..], b"[]", b"\xff{}", b"Hello", b"{", b"{}x", b"\xef\xbb\xbf{}", br#"{"a":1,"a":2}"#]
        {
            let got: Result<Sample<'_>, _> = fields(body);
            assert_eq!(got.err().map(|rejection| rejection.reason()), Some("malformed"), "{body:?}");
        }
    }

    #[test]
    fn a_text_with_separators_is_not_plain() {
        for (text, expected) in
            [("wh_1-a.b", true), ("a/b", false), ("a b", false), ("", false), ("é", false)]
        {
            assert_eq!(is_plain(text), expected, "{text:?}");
        }
        assert!(!is_plain(&"a".repeat(129)));
    }
}
