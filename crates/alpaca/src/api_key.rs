//! The API key: how it is loaded and sent.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;

/// Loads the key for each connection, so that a new one needs no restart: the whole `Authorization` value, as [`basic`]
/// makes it; `None` when there is none.
pub type KeySource = Arc<dyn Fn() -> Option<HeaderValue> + Send + Sync>;

/// `Basic <base64 of key id:secret>` (RFC 7617), marked as sensitive; `None` when the key id is empty or holds a colon,
/// which would move the boundary between the two.
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
    fn a_key_is_sent_as_in_rfc_7617_and_never_shown() {
        // The example of RFC 7617, section 2.
        let value = basic("Aladdin", "open sesame").unwrap();
        assert_eq!(value, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(!format!("{value:?}").contains("QWxh"));
    }

    #[test]
    fn a_key_id_that_cannot_be_separated_from_its_secret_is_no_key() {
        assert_eq!(basic("", "secret"), None);
        assert_eq!(basic("a:b", "secret"), None);
    }
}
