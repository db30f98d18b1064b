//! The fields of a message as SNS posts it.

use std::borrow::Cow;

use serde::Deserialize;

use crate::rejection::Rejection;

/// Every field that is signed or needed. A field that is there is a string.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Fields<'a> {
    #[serde(borrow)]
    pub(super) r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) message_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) topic_arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) subject: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) token: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "SubscribeURL")]
    pub(super) subscribe_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) signature_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) signature: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "SigningCertURL")]
    pub(super) signing_cert_url: Option<Cow<'a, str>>,
}

/// The kind of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Notification,
    SubscriptionConfirmation,
    UnsubscribeConfirmation,
}

/// How a message is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// RSA with SHA-1.
    One,
    /// RSA with SHA-256.
    Two,
}

/// The value of a field that must be there.
pub(super) fn required<'a>(
    field: Option<&'a Cow<'_, str>>,
    name: &'static str,
) -> Result<&'a str, Rejection> {
    field.map(AsRef::as_ref).ok_or(Rejection::Missing(name))
}

impl Type {
    pub(super) fn parse(text: &str) -> Result<Self, Rejection> {
        match text {
            "Notification" => Ok(Self::Notification),
            "SubscriptionConfirmation" => Ok(Self::SubscriptionConfirmation),
            "UnsubscribeConfirmation" => Ok(Self::UnsubscribeConfirmation),
            _ => Err(Rejection::malformed("Type", "it is not one of the three types of SNS")),
        }
    }
}

impl Version {
    pub(super) fn parse(text: &str) -> Result<Self, Rejection> {
        match text {
            "1" => Ok(Self::One),
            "2" => Ok(Self::Two),
            _ => Err(Rejection::malformed("SignatureVersion", "it is neither 1 nor 2")),
        }
    }
}
