//! PEM (RFC 7468): Base64 between two lines that say of what.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Letters in a line.
const LINE_LETTERS: usize = 64;

/// A block that holds `der`.
pub(crate) fn write(label: &str, der: &[u8]) -> String {
    let letters = STANDARD.encode(der);
    let lines = letters.as_bytes().chunks(LINE_LETTERS).map(String::from_utf8_lossy);
    let lines: String = lines.map(|line| format!("{line}\n")).collect();
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

/// What the first block of this label holds.
pub(crate) fn read(label: &str, text: &str) -> Option<Vec<u8>> {
    let inner = text.split_once(&format!("-----BEGIN {label}-----"))?.1;
    let inner = inner.split_once(&format!("-----END {label}-----"))?.0;
    STANDARD.decode(inner.split_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_read_back_as_it_was_written() {
        let der: Vec<u8> = (0..100).collect();
        let text = write("PUBLIC KEY", &der);
        assert!(text.lines().all(|line| line.len() <= 64), "{text}");
        assert_eq!(read("PUBLIC KEY", &text), Some(der));
        assert_eq!(read("PRIVATE KEY", &text), None);
    }
}
