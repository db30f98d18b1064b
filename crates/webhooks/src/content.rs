//! A first look at a body: is it a JSON object, and what do its fields say in plain words.
//!
//! A field of an unexpected type is no fault here: the delivery is genuine, and is kept for whoever can read it.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::channel::Channel;
use crate::digest::sha256_hex;
use crate::rejection::Rejection;

/// Longest id of an event or an object that is used as it stands, in bytes.
const ID_BYTES_MAX: usize = 128;
/// What a kind of event is called when the body does not say.
pub(crate) const UNKNOWN: &str = "unknown";

/// A field as it stands in the body, whatever it is. It has no `Debug`: bodies name people.
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

    /// A text that can stand in a key, a column and a log line as it is.
    pub(crate) fn plain(self) -> Option<Box<str>> {
        self.text().filter(|text| is_plain(text)).map(|text| text.into_owned().into_boxed_str())
    }

    pub(crate) fn time(self) -> Option<Timestamp> {
        self.text()?.parse().ok()
    }

    /// An object with fields of interest; an empty one when it is none.
    pub(crate) fn fields<T: Deserialize<'a> + Default>(self) -> T {
        self.0.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }

    pub(crate) fn is_true(self) -> bool {
        self.0.is_some_and(|raw| raw.get() == "true")
    }

    pub(crate) fn is_there(self) -> bool {
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

/// Fields of the JSON object that the body is.
pub(crate) fn fields<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Rejection> {
    let text = std::str::from_utf8(body).map_err(|_| Rejection::malformed("body", "it is not UTF-8"))?;
    // A struct is also read from an array; a body is an object.
    if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
        return Err(Rejection::malformed("body", "it is not a JSON object"));
    }
    serde_json::from_str(text).map_err(|_| Rejection::malformed("body", "it is not a JSON object"))
}

/// A key for a body that gives no id: its digest, and where it came in. What one door makes of a body need not be what
/// another does: a copy that somebody sends to the wrong one first must not keep the right one from taking it.
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
    fn fields_of_any_type_are_looked_at() {
        let body = br#"{"a":"x\u002dy","b":12345678901234567890.10,"c":{}}"#;
        let sample: Sample<'_> = fields(body).unwrap();
        assert_eq!(sample.a.plain().as_deref(), Some("x-y"));
        assert_eq!(sample.b.text().as_deref(), Some("12345678901234567890.10"));
        let sample: Sample<'_> = fields(br#"{"a":{"z":1},"b":null}"#).unwrap();
        assert!(sample.a.text().is_none() && sample.a.is_there() && !sample.b.is_there());
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
