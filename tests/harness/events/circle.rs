//! Notifications of Circle v2.

use jiff::Timestamp;
use serde_json::{Value, json};

pub fn circle_transaction(at: Timestamp, kind: &str, transaction: &Value) -> String {
    let notification = super::uuid(&format!("{kind} {transaction} {at}"));
    json!({
        "subscriptionId": super::uuid("circle subscription"),
        "notificationId": notification,
        "notificationType": kind,
        "notification": transaction,
        "timestamp": at.to_string(),
        "version": 2,
    })
    .to_string()
}

/// The test notification of Circle's console: every id is zero.
pub fn circle_test(at: Timestamp) -> String {
    let zero = "00000000-0000-0000-0000-000000000000";
    json!({
        "subscriptionId": zero,
        "notificationId": zero,
        "notificationType": "webhooks.test",
        "notification": {"hello": "world"},
        "timestamp": at.to_string(),
        "version": 2,
    })
    .to_string()
}
