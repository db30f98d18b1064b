//! The same event once more as a new one: with ids of its own, so that a server does not take it for a copy.

use serde_json::Value;

use crate::failure::Failure;
use crate::identifier;
use crate::signing::Source;

/// Fields by which each source tells events apart.
const fn fields(source: Source) -> &'static [&'static str] {
    match source {
        Source::Alpaca => &["event_id", "event_ulid"],
        Source::Bridge => &["event_id"],
        Source::Circle => &["notificationId"],
        // The envelope has its own id; the message within must differ, too.
        Source::CircleSns => &["clientId"],
    }
}

/// The body with new ids. It is written anew, compactly.
pub(crate) fn renewed(source: Source, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut event: Value = serde_json::from_slice(body)
        .map_err(|_| Failure::Usage("--renew works on JSON, and this is none".to_owned()))?;
    let mut is_renewed = false;
    for field in fields(source) {
        if let Some(id) = event.get_mut(*field) {
            *id = identifier::uuid()?.into();
            is_renewed = true;
        }
    }
    match is_renewed {
        true => Ok(event.to_string().into_bytes()),
        false => Err(Failure::Usage(format!("--renew finds no field {} in it", fields(source).join(" or ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_gets_an_id_of_its_own_and_keeps_the_rest() {
        let body = br#"{"event_id":"wh_1","event_object":{"amount":"100.0"}}"#;
        let text = String::from_utf8(renewed(Source::Bridge, body).unwrap()).unwrap();
        assert!(!text.contains("wh_1") && text.contains(r#""event_object":{"amount":"100.0"}"#), "{text}");
        assert!(renewed(Source::Circle, body).is_err());
        assert!(renewed(Source::Bridge, b"no JSON").is_err());
    }
}
