//! The API key: how it is loaded and sent.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;

/// Loads the `Authorization` value of [`basic`] for each connection, so that a new key needs no restart; `None` without a key.
pub type KeySource = Arc<dyn Fn() -> Option<HeaderValue> + Send + Sync>;

/// `Basic <base64 of key id:secret>` (RFC 7617), marked as sensitive; `None` when the key id is empty or contains a colon,
/// the separator.
#[must_use]
pub fn basic(key_id: &str, secret: &str) -> Option<HeaderValue> {
    if key_id.is_empty() || key_id.contains(':') {
        return None;
    }
    let credentials = STANDARD.encode(format!("{key_id}:{secret}"));
    let mut value = HeaderValue::from_str(&format!("Basic {credentials}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_as_in_rfc_7617_and_not_printed() {
        // The example of RFC 7617, section 2.
        let value = basic("Aladdin", "open sesame").unwrap();
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{value:?}").contains("QWxh"));
    }

    #[test]
    fn empty_key_ids_and_key_ids_with_a_colon_are_refused() {
        assert_eq!(basic("", "secret"), None);
        assert_eq!(basic("a:b", "secret"), None);
    }
}
