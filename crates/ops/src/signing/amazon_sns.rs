//! Circle's deliveries through Amazon SNS: an envelope whose fields are signed with RSA, version 2
//! (docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html).
//!
//! Circle Mint uses version 1, whose SHA-1 signatures our signing library cannot make.

use std::path::Path;

use aws_lc_rs::rsa::KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::{SignedRequest, invalid_key, read_private_key};
use crate::failure::Failure;

const NOTIFICATION_FIELDS: &[&str] = &["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"];
const CONFIRMATION_FIELDS: &[&str] =
    &["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageType {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

/// Amazon SNS as the publisher of a topic of Circle.
pub(crate) struct Sns {
    pair: KeyPair,
    topic: String,
    certificate_url: String,
    message_type: MessageType,
}

impl MessageType {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Notification, Self::SubscriptionConfirmation, Self::UnsubscribeConfirmation]
            .into_iter()
            .find(|message_type| message_type.as_str() == name)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Notification => "Notification",
            Self::SubscriptionConfirmation => "SubscriptionConfirmation",
            Self::UnsubscribeConfirmation => "UnsubscribeConfirmation",
        }
    }
}

impl Sns {
    /// Loads the private key from a PEM file.
    pub(crate) fn open(
        path: &Path,
        topic: &str,
        certificate_url: Option<&str>,
        message_type: MessageType,
    ) -> Result<Self, Failure> {
        let pair = KeyPair::from_pkcs8(&read_private_key(path)?);
        let pair = pair.map_err(|_| invalid_key(path, "an RSA key in PKCS #8"))?;
        let region = region(topic)?;
        let certificate_url = certificate_url.map_or_else(|| default_certificate_url(region), str::to_owned);
        Ok(Self { pair, topic: topic.to_owned(), certificate_url, message_type })
    }

    pub(super) fn with_pair(self, pair: KeyPair) -> Self {
        Self { pair, ..self }
    }

    pub(super) fn with_another_topic(self) -> Self {
        Self { topic: format!("{}-unknown", self.topic), ..self }
    }

    pub(super) fn with_another_host(self) -> Self {
        Self {
            certificate_url: self.certificate_url.replace(".amazonaws.com/", ".amazonaws.com.example/"),
            ..self
        }
    }

    pub(super) fn sign(&self, message: &[u8], at: Timestamp) -> Result<SignedRequest, Failure> {
        let message = std::str::from_utf8(message)
            .map_err(|_| Failure::Precondition("a message for SNS must be UTF-8 text".to_owned()))?;
        let mut envelope = self.envelope(message, at)?;
        let signature =
            super::bridge::rsa(&self.pair, string_to_sign(&envelope, self.message_type).as_bytes())?;
        envelope.insert("Signature".to_owned(), STANDARD.encode(signature).into());
        let headers = vec![
            ("content-type", "text/plain; charset=UTF-8".to_owned()),
            ("x-amz-sns-message-type", self.message_type.as_str().to_owned()),
        ];
        let body = Value::Object(envelope).to_string().into_bytes();
        Ok(SignedRequest { path: "/api/v1/webhooks/circle".to_owned(), headers, body })
    }

    fn envelope(&self, message: &str, at: Timestamp) -> Result<Map<String, Value>, Failure> {
        let base = format!("https://sns.{}.amazonaws.com", region(&self.topic)?);
        let topic = &self.topic;
        let mut fields = json!({
            "Type": self.message_type.as_str(),
            "MessageId": crate::random_id::uuid()?,
            "TopicArn": topic,
            "Message": message,
            "Timestamp": at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
            "SignatureVersion": "2",
            "SigningCertURL": self.certificate_url,
        });
        if self.message_type == MessageType::Notification {
            fields["UnsubscribeURL"] =
                format!("{base}/?Action=Unsubscribe&SubscriptionArn={topic}:sample").into();
        } else {
            let token = crate::random_id::hex(128)?;
            fields["SubscribeURL"] =
                format!("{base}/?Action=ConfirmSubscription&TopicArn={topic}&Token={token}").into();
            fields["Token"] = token.into();
        }
        match fields {
            Value::Object(fields) => Ok(fields),
            _ => Err(super::cannot_sign()),
        }
    }
}

fn string_to_sign(envelope: &Map<String, Value>, message_type: MessageType) -> String {
    let fields = match message_type {
        MessageType::Notification => NOTIFICATION_FIELDS,
        MessageType::SubscriptionConfirmation | MessageType::UnsubscribeConfirmation => CONFIRMATION_FIELDS,
    };
    let values = fields.iter().filter_map(|field| Some((field, envelope.get(*field)?.as_str()?)));
    values.map(|(field, value)| format!("{field}\n{value}\n")).collect()
}

/// The region in `arn:aws:sns:<region>:<account>:<name>`.
fn region(topic: &str) -> Result<&str, Failure> {
    let region = topic.strip_prefix("arn:aws:sns:").and_then(|rest| rest.split(':').next());
    region.filter(|region| !region.is_empty()).ok_or_else(|| {
        Failure::Usage("--topic must be the ARN of a topic: arn:aws:sns:<region>:<account>:<name>".to_owned())
    })
}

/// `webhooks host-keys` serves its certificate under any name.
fn default_certificate_url(region: &str) -> String {
    format!("https://sns.{region}.amazonaws.com/SimpleNotificationService-{}.pem", "0".repeat(32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_string_to_sign_is_the_one_that_amazon_shows() {
        // docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html, "To verify the signature": names and
        // values on separate lines, in byte order of the names, without absent ones.
        let envelope = json!({"Type": "Notification", "MessageId": "m", "TopicArn": "a", "Message": "b", "Timestamp": "t", "SignatureVersion": "2"});
        let text = string_to_sign(envelope.as_object().unwrap(), MessageType::Notification);
        assert_eq!(text, "Message\nb\nMessageId\nm\nTimestamp\nt\nTopicArn\na\nType\nNotification\n");
    }

    #[test]
    fn a_topic_names_its_region() {
        assert_eq!(region("arn:aws:sns:us-west-2:908968368384:t").unwrap(), "us-west-2");
        assert!(region("arn:aws:sqs:us-west-2:1:t").is_err());
    }
}
