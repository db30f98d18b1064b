//! The string that SNS signs: names and values of some fields, each with a line break, in alphabetical order
//! (docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message). A field that is absent is left out; one that is
//! empty is not.

use super::envelope::Type;
use super::message::Message;

/// The string to sign of `message`. A confirmation, of a subscription or of its end, has other fields than a notification.
pub(super) fn string_to_sign(kind: Type, message: &Message<'_>) -> String {
    let fields: &[(&str, &Option<_>)] = match kind {
        Type::Notification => &[
            ("Message", &message.message),
            ("MessageId", &message.message_id),
            ("Subject", &message.subject),
            ("Timestamp", &message.timestamp),
            ("TopicArn", &message.topic_arn),
            ("Type", &message.r#type),
        ],
        Type::SubscriptionConfirmation | Type::UnsubscribeConfirmation => &[
            ("Message", &message.message),
            ("MessageId", &message.message_id),
            ("SubscribeURL", &message.subscribe_url),
            ("Timestamp", &message.timestamp),
            ("Token", &message.token),
            ("TopicArn", &message.topic_arn),
            ("Type", &message.r#type),
        ],
    };
    let mut text = String::new();
    for (name, value) in fields {
        if let Some(value) = value {
            text.extend([name, "\n", value, "\n"]);
        }
    }
    text
}
