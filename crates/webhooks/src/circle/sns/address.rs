//! URLs that a message names. They are matched as texts against the one form that SNS uses, not parsed: a URL that two parsers
//! could understand differently is refused.

use std::fmt;

use super::topic::TopicArn;
use crate::rejection::Rejection;

/// Longest name of a certificate's file, in hexadecimal digits; SNS uses 32.
const FILE_DIGITS_MAX: usize = 64;
/// Longest token of a confirmation, in bytes; SNS uses 256 and more.
const TOKEN_BYTES_MAX: usize = 1024;
const FILE_BEGINS: &str = "/SimpleNotificationService-";

/// The URL of a certificate: `https://sns.<region>.amazonaws.com/SimpleNotificationService-<hex>.pem`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateUrl {
    host: Box<str>,
    path: Box<str>,
}

/// The URL that confirms a subscription: `https://sns.<region>.amazonaws.com/?Action=ConfirmSubscription&…`, of a message
/// whose signature was verified.
#[derive(Clone, PartialEq, Eq)]
pub struct SubscribeUrl {
    topic: TopicArn,
    token: Box<str>,
}

fn host(topic: &TopicArn) -> String {
    format!("sns.{}.amazonaws.com", topic.region())
}

impl CertificateUrl {
    pub(super) fn parse(text: &str, topic: &TopicArn) -> Result<Self, Rejection> {
        let host = host(topic);
        let path = text.strip_prefix("https://").and_then(|rest| rest.strip_prefix(&*host));
        let name = path.and_then(|path| path.strip_prefix(FILE_BEGINS)?.strip_suffix(".pem"));
        let is_name = |name: &str| {
            (1..=FILE_DIGITS_MAX).contains(&name.len())
                && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        match (path, name) {
            (Some(path), Some(name)) if is_name(name) => Ok(Self { host: host.into(), path: path.into() }),
            _ => Err(Rejection::Host("SigningCertURL")),
        }
    }

    /// The host to connect to, over TLS on port 443, without following redirects.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path to request; it has no query.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The digits in the file's name: the key id of deliveries that it proves.
    pub(super) fn name(&self) -> &str {
        self.path.strip_prefix(FILE_BEGINS).and_then(|name| name.strip_suffix(".pem")).unwrap_or_default()
    }
}

impl fmt::Display for CertificateUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "https://{}{}", self.host, self.path)
    }
}

impl SubscribeUrl {
    /// Accepts `text` when it confirms this topic with this token at SNS of the topic's region, and nothing else.
    pub(super) fn parse(text: &str, topic: &TopicArn, token: &str) -> Result<Self, Rejection> {
        let is_token = (1..=TOKEN_BYTES_MAX).contains(&token.len())
            && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let begins = format!("https://{}/?", host(topic));
        let mut found: Vec<&str> = text.strip_prefix(&*begins).unwrap_or_default().split('&').collect();
        found.sort_unstable();
        let topic_part = format!("TopicArn={topic}");
        let token_part = format!("Token={token}");
        // In alphabetical order.
        let expected = ["Action=ConfirmSubscription", &token_part, &topic_part];
        if is_token && found == expected {
            Ok(Self { topic: topic.clone(), token: token.into() })
        } else {
            Err(Rejection::Host("SubscribeURL"))
        }
    }

    /// The host to connect to, over TLS on port 443, without following redirects.
    #[must_use]
    pub fn host(&self) -> String {
        host(&self.topic)
    }

    /// Path and query to request. The token is a credential: it belongs in no log.
    #[must_use]
    pub fn path_and_query(&self) -> String {
        format!("/?Action=ConfirmSubscription&TopicArn={}&Token={}", self.topic, self.token)
    }

    /// The topic that is confirmed.
    #[must_use]
    pub fn topic(&self) -> &TopicArn {
        &self.topic
    }
}

impl fmt::Debug for SubscribeUrl {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("SubscribeUrl").field("topic", &self.topic).finish_non_exhaustive()
    }
}
