//! Topics, and which of them are ours.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// Most topics that are listed: Circle publishes to one in each of two regions.
pub(super) const TOPICS_MAX: usize = 16;
/// Longest name of a topic, in bytes (docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html).
const NAME_BYTES_MAX: usize = 256;
/// Longest name of a region, in bytes: `ap-southeast-1` has 14.
const REGION_BYTES_MAX: usize = 24;

/// The ARN of a topic: `arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicArn {
    text: Box<str>,
    region: Box<str>,
}

/// Topics whose messages are accepted. Empty: none is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Topics(BTreeSet<TopicArn>);

/// The text is no topic, or no list of topics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Not the ARN of a topic.
    #[error("a topic is arn:aws:sns:<region>:<12 digits>:<name>")]
    Shape,
    /// More than Circle publishes to.
    #[error("there are more than 16 topics")]
    TooMany,
}

impl TopicArn {
    /// The whole ARN.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The region that publishes it.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl FromStr for TopicArn {
    type Err = TopicError;

    fn from_str(text: &str) -> Result<Self, TopicError> {
        let rest = text.strip_prefix("arn:aws:sns:").ok_or(TopicError::Shape)?;
        let mut parts = rest.split(':');
        let (Some(region), Some(account), Some(name), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TopicError::Shape);
        };
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = (1..=NAME_BYTES_MAX).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if !(is_region(region) && is_account && is_name) {
            return Err(TopicError::Shape);
        }
        Ok(Self { text: text.into(), region: region.into() })
    }
}

/// Letters and digits between dashes: it becomes part of a host name.
fn is_region(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    text.len() <= REGION_BYTES_MAX && text.contains('-') && text.split('-').all(is_word)
}

impl fmt::Display for TopicArn {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl FromIterator<TopicArn> for Topics {
    fn from_iter<I: IntoIterator<Item = TopicArn>>(topics: I) -> Self {
        Self(topics.into_iter().collect())
    }
}

impl Topics {
    /// Parses topics between commas or blanks; an empty text is an empty list.
    ///
    /// # Errors
    /// [`TopicError`].
    ///
    /// ```
    /// use webhooks::circle::sns::Topics;
    /// let topics = Topics::parse("arn:aws:sns:us-east-1:908968368384:sandbox_platform-notifications-topic")?;
    /// assert!(!topics.is_empty());
    /// assert!(Topics::parse("").unwrap().is_empty());
    /// assert!(Topics::parse("arn:aws:sqs:us-east-1:908968368384:queue").is_err());
    /// # Ok::<(), webhooks::circle::sns::TopicError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, TopicError> {
        let parts = text.split([',', ' ', '\n', '\t']).filter(|part| !part.is_empty());
        let topics = parts.map(str::parse).collect::<Result<BTreeSet<TopicArn>, _>>()?;
        if topics.len() > TOPICS_MAX { Err(TopicError::TooMany) } else { Ok(Self(topics)) }
    }

    /// Whether no topic is accepted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The topics.
    pub fn iter(&self) -> impl Iterator<Item = &TopicArn> {
        self.0.iter()
    }

    /// The topic of this name, when it is one of them.
    pub(super) fn find(&self, name: &str) -> Option<&TopicArn> {
        self.0.iter().find(|topic| topic.as_str() == name)
    }
}
