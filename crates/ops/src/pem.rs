//! PEM (RFC 7468): Base64 between a header and a footer with a label.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const LINE_DIGITS: usize = 64;

/// A block that contains `der`.
pub(crate) fn write(label: &str, der: &[u8]) -> String {
    let digits = STANDARD.encode(der);
    let lines = digits.as_bytes().chunks(LINE_DIGITS).map(String::from_utf8_lossy);
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

/// The content of the first block with this label.
pub(crate) fn parse(label: &str, text: &str) -> Option<Vec<u8>> {
    let inner = text.split_once(&format!("-----BEGIN {label}-----"))?.1;
    let inner = inner.split_once(&format!("-----END {label}-----"))?.0;
    STANDARD.decode(inner.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_block_can_be_parsed() {
        let der: Vec<u8> = (0..100).collect();
        let text = write("PUBLIC KEY", &der);
        assert!(text.lines().all(|line| line.len() <= 64), "{text}");
        assert_eq!(parse("PUBLIC KEY", &text), Some(der));
        assert_eq!(parse("PRIVATE KEY", &text), None);
    }
}
