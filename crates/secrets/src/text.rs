//! Cleans a raw value to the text that its format requires, or reports why it is invalid.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::invalid::InvalidReason;
use crate::json;
use crate::origin::Origin;
use crate::shape;
use crate::spec::{Format, SecretSpec};
use crate::value::{SECRET_BYTES_MAX, SecretValue};

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF16_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

#[derive(Debug)]
pub(crate) struct CleanValue {
    pub(crate) value: SecretValue,
    /// Faults of the raw value that were repaired.
    pub(crate) repaired: Option<InvalidReason>,
}

/// A value as a lookup would return it from `origin`.
///
/// # Errors
/// [`Error::Invalid`].
pub fn clean_value(spec: &SecretSpec, value: &SecretValue, origin: Origin) -> Result<SecretValue, Error> {
    let invalid = |reason| Error::Invalid { name: spec.name.clone(), origin, reason };
    clean(value, spec).map(|clean| clean.value).map_err(invalid)
}

/// Strips trailing line ends and a leading byte order mark, takes the value out of quotes or JSON, and refuses other
/// violations of the format.
pub(crate) fn clean(raw: &SecretValue, spec: &SecretSpec) -> Result<CleanValue, InvalidReason> {
    let format = spec.format;
    let bytes = raw.expose();
    if bytes.len() > SECRET_BYTES_MAX {
        return Err(InvalidReason::TooLarge { limit: SECRET_BYTES_MAX });
    }
    if format == Format::Bytes {
        return if bytes.is_empty() {
            Err(InvalidReason::Empty)
        } else {
            Ok(CleanValue { value: raw.clone(), repaired: None })
        };
    }
    if UTF16_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(InvalidReason::Utf16);
    }
    let (bytes, repaired) = match bytes.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => (rest, Some(InvalidReason::ByteOrderMark)),
        None => (bytes, None),
    };
    let text = std::str::from_utf8(bytes).map_err(|_| InvalidReason::NotUtf8)?.trim_end_matches(['\r', '\n']);
    let value = match shape::unwrap(text, spec)? {
        Some(inner) => inner,
        None if text.len() == raw.len() => raw.clone(),
        None => SecretValue::from_slice(text.as_bytes()),
    };
    let text = value.expose_text().ok_or(InvalidReason::NotUtf8)?;
    check(text, format)?;
    shape::check(text, spec)?;
    Ok(CleanValue { value, repaired })
}

fn check(text: &str, format: Format) -> Result<(), InvalidReason> {
    if text.is_empty() {
        return Err(InvalidReason::Empty);
    }
    if text.contains('\0') {
        return Err(InvalidReason::Nul);
    }
    let has_lines =
        matches!(format, Format::Lines | Format::Base64Lines { .. } | Format::Pem | Format::Json { .. });
    if !has_lines && text.contains(['\r', '\n']) {
        return Err(InvalidReason::MultipleLines);
    }
    if text.chars().any(|char| char.is_control() && !(has_lines && matches!(char, '\r' | '\n' | '\t'))) {
        return Err(InvalidReason::ControlCharacter);
    }
    if text.trim().len() != text.len() {
        return Err(InvalidReason::SurroundingWhitespace);
    }
    match format {
        Format::Text | Format::DatabaseUrl | Format::Lines | Format::Bytes => Ok(()),
        Format::Base64 { bytes_min } => check_length(base64_bytes(text)?, bytes_min),
        Format::Base64Lines { bytes_min } => {
            text.lines().try_for_each(|line| check_length(base64_bytes(line)?, bytes_min))
        }
        Format::Hex { bytes_min } => check_length(hex_bytes(text)?, bytes_min),
        Format::Pem => check_pem(text),
        Format::Json { required } => json::check(text, required),
    }
}

fn check_length(bytes: usize, bytes_min: usize) -> Result<(), InvalidReason> {
    if bytes < bytes_min { Err(InvalidReason::TooShort { bytes, bytes_min }) } else { Ok(()) }
}

fn base64_bytes(text: &str) -> Result<usize, InvalidReason> {
    let decoded = STANDARD.decode(text).map(Zeroizing::new).map_err(|_| InvalidReason::NotBase64)?;
    Ok(decoded.len())
}

fn hex_bytes(text: &str) -> Result<usize, InvalidReason> {
    let decoded = hex::decode(text).map(Zeroizing::new).map_err(|_| InvalidReason::NotHex)?;
    Ok(decoded.len())
}

/// Checks the frames only: the user of the keys parses what is inside and before them. A line end may be written `\n`,
/// because not every tool that sets a variable supports lines.
fn check_pem(text: &str) -> Result<(), InvalidReason> {
    let lines = || text.split('\n').flat_map(|line| line.split("\\n")).map(str::trim_end);
    let begins = lines().filter(|line| line.starts_with("-----BEGIN ") && line.ends_with("-----")).count();
    let ends = lines().filter(|line| line.starts_with("-----END ") && line.ends_with("-----")).count();
    let last = lines().filter(|line| !line.is_empty()).last();
    let is_closed = last.is_some_and(|line| line.starts_with("-----END "));
    if is_closed && begins > 0 && begins == ends { Ok(()) } else { Err(InvalidReason::NotPem) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Class;

    fn spec(format: Format) -> SecretSpec {
        SecretSpec::new("key".parse().unwrap(), Class::WebhookSecret, format, "")
    }

    fn check(raw: &[u8], format: Format, expected: Result<&str, InvalidReason>) {
        let cleaned = clean(&SecretValue::from_slice(raw), &spec(format));
        match (cleaned, expected) {
            (Ok(clean), Ok(text)) => assert_eq!(clean.value.expose_text(), Some(text), "{raw:?}"),
            (cleaned, expected) => assert_eq!(cleaned.err(), expected.err(), "{raw:?} as {format:?}"),
        }
    }

    #[test]
    fn trailing_line_ends_are_stripped_and_nothing_else_is_guessed() {
        for raw in ["key", "key\n", "key\r\n", "key\n\n\r\n", "key\r"] {
            check(raw.as_bytes(), Format::Text, Ok("key"));
        }
        // Values that a settings file would parse as a number or a boolean.
        for raw in ["0012345678", "true", "pass \"word", "pass word", "naïve-ключ", "1e9"] {
            check(raw.as_bytes(), Format::Text, Ok(raw));
        }
    }

    #[test]
    fn each_line_of_keys_is_checked() {
        let format = Format::Base64Lines { bytes_min: 3 };
        check(b"AAAA\nBBBB\n", format, Ok("AAAA\nBBBB"));
        check(b"AAAA\nBA==", format, Err(InvalidReason::TooShort { bytes: 1, bytes_min: 3 }));
        check(b"AAAA\n\nBBBB", format, Err(InvalidReason::TooShort { bytes: 0, bytes_min: 3 }));
        check(b"AAAA BBBB", format, Err(InvalidReason::NotBase64));
    }

    #[test]
    fn text_is_refused_for_what_its_format_does_not_allow() {
        check(b"", Format::Text, Err(InvalidReason::Empty));
        check(b"\n", Format::Text, Err(InvalidReason::Empty));
        check(b"\r\n\n", Format::Text, Err(InvalidReason::Empty));
        check(b"a\nb", Format::Text, Err(InvalidReason::MultipleLines));
        check(b" key", Format::Text, Err(InvalidReason::SurroundingWhitespace));
        check(b"key \n", Format::Text, Err(InvalidReason::SurroundingWhitespace));
        check("key\u{a0}".as_bytes(), Format::Text, Err(InvalidReason::SurroundingWhitespace));
        check(b"k\0ey", Format::Text, Err(InvalidReason::Nul));
        check(b"k\tey", Format::Text, Err(InvalidReason::ControlCharacter));
        check(b"k\x1bey", Format::Text, Err(InvalidReason::ControlCharacter));
        check(b"\xff\xfek\0e\0y\0", Format::Text, Err(InvalidReason::Utf16));
        check(b"\xfe\xff\0k\0e\0y", Format::Text, Err(InvalidReason::Utf16));
        check(b"k\0e\0y\0", Format::Text, Err(InvalidReason::Nul));
        check(b"k\xc3", Format::Text, Err(InvalidReason::NotUtf8));
    }

    #[test]
    fn a_byte_order_mark_is_stripped_and_reported() {
        let cleaned = clean(&SecretValue::from_slice(b"\xef\xbb\xbfkey\n"), &spec(Format::Text)).unwrap();
        assert_eq!(cleaned.value.expose(), b"key");
        assert_eq!(cleaned.repaired, Some(InvalidReason::ByteOrderMark));
        check(b"\xef\xbb\xbf", Format::Text, Err(InvalidReason::Empty));
    }

    #[test]
    fn the_largest_secret_is_65_536_bytes() {
        let largest = "k".repeat(65_536);
        check(largest.as_bytes(), Format::Text, Ok(&largest));
        check("k".repeat(65_537).as_bytes(), Format::Text, Err(InvalidReason::TooLarge { limit: 65_536 }));
    }

    #[test]
    fn encoded_keys_are_measured_after_decoding() {
        let (base64, hex) = (Format::Base64 { bytes_min: 4 }, Format::Hex { bytes_min: 4 });
        check(b"3q2+7w==", base64, Ok("3q2+7w=="));
        check(b"3q2+7w", base64, Err(InvalidReason::NotBase64));
        check(b"3q2-7w==", base64, Err(InvalidReason::NotBase64));
        check(b"3q2+", base64, Err(InvalidReason::TooShort { bytes: 3, bytes_min: 4 }));
        check(b"deadBEEF\n", hex, Ok("deadBEEF"));
        check(b"deadbee", hex, Err(InvalidReason::NotHex));
        check(b"deadbeeg", hex, Err(InvalidReason::NotHex));
        check(b"dead", hex, Err(InvalidReason::TooShort { bytes: 2, bytes_min: 4 }));
    }

    #[test]
    fn pem_and_lists_keep_their_lines() {
        let pem = "-----BEGIN PUBLIC KEY-----\r\nMIIB\r\n-----END PUBLIC KEY-----";
        check(format!("{pem}\r\n").as_bytes(), Format::Pem, Ok(pem));
        let escaped = "-----BEGIN PUBLIC KEY-----\\nMIIB\\n-----END PUBLIC KEY-----\\n";
        check(escaped.as_bytes(), Format::Pem, Ok(escaped));
        let labelled = format!("label=deposits\n{pem}");
        check(labelled.as_bytes(), Format::Pem, Ok(&labelled));
        check(format!("{pem}\nMIIB").as_bytes(), Format::Pem, Err(InvalidReason::NotPem));
        check(b"MIIB", Format::Pem, Err(InvalidReason::NotPem));
        check(b"-----BEGIN PUBLIC KEY-----\nMIIB", Format::Pem, Err(InvalidReason::NotPem));
        check(b"one\ntwo\n", Format::Lines, Ok("one\ntwo"));
    }

    #[test]
    fn bytes_are_not_changed() {
        let cleaned = clean(&SecretValue::from_slice(b"\xff\xfe\0\n"), &spec(Format::Bytes)).unwrap();
        assert_eq!(cleaned.value.expose(), b"\xff\xfe\0\n");
        check(b"", Format::Bytes, Err(InvalidReason::Empty));
    }
}
