//! Cleans a raw secret into the text that its format promises, or says what is wrong with it. Nothing is guessed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::files::SECRET_BYTES_MAX;
use crate::json;
use crate::spec::Format;
use crate::value::SecretValue;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF16_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// A clean value, and a fault that was put right on the way.
#[derive(Debug)]
pub(crate) struct Clean {
    pub(crate) value: SecretValue,
    pub(crate) repaired: Option<Fault>,
}

/// Strips every line end at the end and a byte order mark at the start, and refuses what else does not belong.
pub(crate) fn clean(raw: &SecretValue, format: Format) -> Result<Clean, Fault> {
    let bytes = raw.expose();
    if bytes.len() > SECRET_BYTES_MAX {
        return Err(Fault::TooLarge { limit: SECRET_BYTES_MAX });
    }
    if format == Format::Bytes {
        return if bytes.is_empty() {
            Err(Fault::Empty)
        } else {
            Ok(Clean { value: raw.clone(), repaired: None })
        };
    }
    if UTF16_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(Fault::Utf16);
    }
    let (bytes, repaired) = match bytes.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) => (rest, Some(Fault::ByteOrderMark)),
        None => (bytes, None),
    };
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8)?.trim_end_matches(['\r', '\n']);
    check(text, format)?;
    let value = if text.len() == raw.len() { raw.clone() } else { SecretValue::from_slice(text.as_bytes()) };
    Ok(Clean { value, repaired })
}

fn check(text: &str, format: Format) -> Result<(), Fault> {
    if text.is_empty() {
        return Err(Fault::Empty);
    }
    if text.contains('\0') {
        return Err(Fault::Nul);
    }
    let has_lines =
        matches!(format, Format::Lines | Format::Base64Lines { .. } | Format::Pem | Format::Json { .. });
    if !has_lines && text.contains(['\r', '\n']) {
        return Err(Fault::LineEnd);
    }
    if text.chars().any(|char| char.is_control() && !(has_lines && matches!(char, '\r' | '\n' | '\t'))) {
        return Err(Fault::Control);
    }
    if text.trim().len() != text.len() {
        return Err(Fault::Blank);
    }
    match format {
        Format::Text | Format::Lines | Format::Bytes => Ok(()),
        Format::Base64 { bytes_min } => long_enough(base64_bytes(text)?, bytes_min),
        Format::Base64Lines { bytes_min } => {
            text.lines().try_for_each(|line| long_enough(base64_bytes(line)?, bytes_min))
        }
        Format::Hex { bytes_min } => long_enough(hex_bytes(text)?, bytes_min),
        Format::Pem => check_pem(text),
        Format::Json { required } => json::check(text, required),
    }
}

fn long_enough(bytes: usize, bytes_min: usize) -> Result<(), Fault> {
    if bytes < bytes_min { Err(Fault::TooShort { bytes, bytes_min }) } else { Ok(()) }
}

fn base64_bytes(text: &str) -> Result<usize, Fault> {
    let decoded = STANDARD.decode(text).map(Zeroizing::new).map_err(|_| Fault::NotBase64)?;
    Ok(decoded.len())
}

fn hex_bytes(text: &str) -> Result<usize, Fault> {
    let is_hex = text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hex { Ok(text.len() / 2) } else { Err(Fault::NotHex) }
}

/// The frames alone: whoever uses the keys reads what is inside, and what is said of a key before it. A line end may be
/// written `\n`, since not every place that sets a variable takes lines.
fn check_pem(text: &str) -> Result<(), Fault> {
    let lines = || text.split('\n').flat_map(|line| line.split("\\n")).map(str::trim_end);
    let begins = lines().filter(|line| line.starts_with("-----BEGIN ") && line.ends_with("-----")).count();
    let ends = lines().filter(|line| line.starts_with("-----END ") && line.ends_with("-----")).count();
    let last = lines().filter(|line| !line.is_empty()).last();
    let is_closed = last.is_some_and(|line| line.starts_with("-----END "));
    if is_closed && begins > 0 && begins == ends { Ok(()) } else { Err(Fault::NotPem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &[u8], format: Format, expected: Result<&str, Fault>) {
        let cleaned = clean(&SecretValue::from_slice(raw), format);
        match (cleaned, expected) {
            (Ok(clean), Ok(text)) => assert_eq!(clean.value.expose_text(), Some(text), "{raw:?}"),
            (cleaned, expected) => assert_eq!(cleaned.err(), expected.err(), "{raw:?} as {format:?}"),
        }
    }

    #[test]
    fn trailing_line_ends_go_and_nothing_else_is_guessed() {
        for raw in ["key", "key\n", "key\r\n", "key\n\n\r\n", "key\r"] {
            check(raw.as_bytes(), Format::Text, Ok("key"));
        }
        // What a settings file would turn into a number, a boolean or a string without quotes.
        for raw in ["0012345678", "true", "\"quoted\"", "{\"a\":1}", "pass word", "naïve-ключ", "1e9"] {
            check(raw.as_bytes(), Format::Text, Ok(raw));
        }
    }

    #[test]
    fn each_line_of_keys_is_judged_alone() {
        let format = Format::Base64Lines { bytes_min: 3 };
        check(b"AAAA\nBBBB\n", format, Ok("AAAA\nBBBB"));
        check(b"AAAA\nBA==", format, Err(Fault::TooShort { bytes: 1, bytes_min: 3 }));
        check(b"AAAA\n\nBBBB", format, Err(Fault::TooShort { bytes: 0, bytes_min: 3 }));
        check(b"AAAA BBBB", format, Err(Fault::NotBase64));
    }

    #[test]
    fn a_line_of_text_is_refused_for_what_does_not_belong_in_it() {
        check(b"", Format::Text, Err(Fault::Empty));
        check(b"\n", Format::Text, Err(Fault::Empty));
        check(b"\r\n\n", Format::Text, Err(Fault::Empty));
        check(b"a\nb", Format::Text, Err(Fault::LineEnd));
        check(b" key", Format::Text, Err(Fault::Blank));
        check(b"key \n", Format::Text, Err(Fault::Blank));
        check("key\u{a0}".as_bytes(), Format::Text, Err(Fault::Blank));
        check(b"k\0ey", Format::Text, Err(Fault::Nul));
        check(b"k\tey", Format::Text, Err(Fault::Control));
        check(b"k\x1bey", Format::Text, Err(Fault::Control));
        check(b"\xff\xfek\0e\0y\0", Format::Text, Err(Fault::Utf16));
        check(b"\xfe\xff\0k\0e\0y", Format::Text, Err(Fault::Utf16));
        check(b"k\0e\0y\0", Format::Text, Err(Fault::Nul));
        check(b"k\xc3", Format::Text, Err(Fault::NotUtf8));
    }

    #[test]
    fn a_byte_order_mark_is_stripped_and_reported() {
        let cleaned = clean(&SecretValue::from_slice(b"\xef\xbb\xbfkey\n"), Format::Text).unwrap();
        assert_eq!(cleaned.value.expose(), b"key");
        assert_eq!(cleaned.repaired, Some(Fault::ByteOrderMark));
        check(b"\xef\xbb\xbf", Format::Text, Err(Fault::Empty));
    }

    #[test]
    fn the_largest_secret_is_65_536_bytes() {
        let largest = "k".repeat(65_536);
        check(largest.as_bytes(), Format::Text, Ok(&largest));
        check("k".repeat(65_537).as_bytes(), Format::Text, Err(Fault::TooLarge { limit: 65_536 }));
    }

    #[test]
    fn encoded_keys_are_measured_decoded() {
        let (base64, hex) = (Format::Base64 { bytes_min: 4 }, Format::Hex { bytes_min: 4 });
        check(b"3q2+7w==", base64, Ok("3q2+7w=="));
        check(b"3q2+7w", base64, Err(Fault::NotBase64));
        check(b"3q2-7w==", base64, Err(Fault::NotBase64));
        check(b"3q2+", base64, Err(Fault::TooShort { bytes: 3, bytes_min: 4 }));
        check(b"deadBEEF\n", hex, Ok("deadBEEF"));
        check(b"deadbee", hex, Err(Fault::NotHex));
        check(b"deadbeeg", hex, Err(Fault::NotHex));
        check(b"dead", hex, Err(Fault::TooShort { bytes: 2, bytes_min: 4 }));
    }

    #[test]
    fn pem_and_lists_keep_their_lines() {
        let pem = "-----BEGIN PUBLIC KEY-----\r\nMIIB\r\n-----END PUBLIC KEY-----";
        check(format!("{pem}\r\n").as_bytes(), Format::Pem, Ok(pem));
        let escaped = "-----BEGIN PUBLIC KEY-----\\nMIIB\\n-----END PUBLIC KEY-----\\n";
        check(escaped.as_bytes(), Format::Pem, Ok(escaped));
        let labelled = format!("label=deposits\n{pem}");
        check(labelled.as_bytes(), Format::Pem, Ok(&labelled));
        check(format!("{pem}\nMIIB").as_bytes(), Format::Pem, Err(Fault::NotPem));
        check(b"MIIB", Format::Pem, Err(Fault::NotPem));
        check(b"-----BEGIN PUBLIC KEY-----\nMIIB", Format::Pem, Err(Fault::NotPem));
        check(b"one\ntwo\n", Format::Lines, Ok("one\ntwo"));
    }

    #[test]
    fn bytes_are_not_touched() {
        let cleaned = clean(&SecretValue::from_slice(b"\xff\xfe\0\n"), Format::Bytes).unwrap();
        assert_eq!(cleaned.value.expose(), b"\xff\xfe\0\n");
        check(b"", Format::Bytes, Err(Fault::Empty));
    }
}
