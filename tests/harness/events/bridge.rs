//! Bridge's events: an envelope around the full resource.

use jiff::Timestamp;
use serde_json::{Value, json};

pub fn bridge(at: Timestamp, category: &str, mutation: &str, id: &str, object: &Value) -> String {
    let status = object.get("state").or_else(|| object.get("status")).cloned().unwrap_or(Value::Null);
    let event = super::uuid(&format!("{category} {mutation} {id} {object} {at}")).replace('-', "");
    json!({
        "api_version": "v0",
        "event_id": format!("wh_{event}"),
        "event_category": category,
        "event_type": format!("{category}.{mutation}"),
        "event_object_id": id,
        "event_object_status": status,
        "event_object": object,
        "event_object_changes": {},
        "event_created_at": at.to_string(),
    })
    .to_string()
}
