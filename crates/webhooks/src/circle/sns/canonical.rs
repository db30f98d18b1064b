//! The string that SNS signs: names and values of some fields, each with a line break, in alphabetical order
//! (docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message). A field that is absent is left out; one that is
//! empty is not.

use super::fields::{Fields, Type};

/// A confirmation, of a subscription or of its end, has other fields than a notification.
pub(super) fn string_to_sign(kind: Type, fields: &Fields<'_>) -> String {
    let signed: &[(&str, &Option<_>)] = match kind {
        Type::Notification => &[
            ("Message", &fields.message),
            ("MessageId", &fields.message_id),
            ("Subject", &fields.subject),
            ("Timestamp", &fields.timestamp),
            ("TopicArn", &fields.topic_arn),
            ("Type", &fields.r#type),
        ],
        Type::SubscriptionConfirmation | Type::UnsubscribeConfirmation => &[
            ("Message", &fields.message),
            ("MessageId", &fields.message_id),
            ("SubscribeURL", &fields.subscribe_url),
            ("Timestamp", &fields.timestamp),
            ("Token", &fields.token),
            ("TopicArn", &fields.topic_arn),
            ("Type", &fields.r#type),
        ],
    };
    let mut text = String::new();
    for (name, value) in signed {
        if let Some(value) = value {
            text.extend([name, "\n", value, "\n"]);
        }
    }
    text
}
