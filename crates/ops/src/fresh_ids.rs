//! Replaces the ids of an event, so that the server does not treat it as a duplicate.

use serde_json::Value;
use webhooks::ChannelDeclaration;

use crate::failure::Failure;
use crate::random_id;

/// Returns the body with new ids, serialized compactly.
pub(crate) fn with_fresh_ids(channel: &ChannelDeclaration, body: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut event: Value = serde_json::from_slice(body)
        .map_err(|_| Failure::Usage("--fresh-ids requires a JSON body".to_owned()))?;
    let mut is_changed = false;
    for field in channel.id_fields {
        if let Some(id) = event.get_mut(*field) {
            *id = random_id::uuid()?.into();
            is_changed = true;
        }
    }
    match is_changed {
        true => Ok(event.to_string().into_bytes()),
        false => {
            Err(Failure::Usage(format!("--fresh-ids requires a field {}", channel.id_fields.join(" or "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel(name: &str) -> &'static ChannelDeclaration {
        let mut channels = webhooks::PROVIDERS.iter().flat_map(|provider| provider.channels);
        channels.find(|declared| declared.channel.as_str() == name).unwrap()
    }

    #[test]
    fn an_event_gets_a_new_id_and_keeps_the_rest() {
        let body = br#"{"event_id":"wh_1","event_object":{"amount":"100.0"}}"#;
        let text = String::from_utf8(with_fresh_ids(channel("bridge"), body).unwrap()).unwrap();
        assert!(!text.contains("wh_1") && text.contains(r#""event_object":{"amount":"100.0"}"#), "{text}");
        assert!(with_fresh_ids(channel("circle/direct"), body).is_err());
        assert!(with_fresh_ids(channel("bridge"), b"no JSON").is_err());
    }
}
