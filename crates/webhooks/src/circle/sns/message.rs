//! The fields of a message as SNS posts it.

use std::borrow::Cow;

use serde::Deserialize;

use crate::rejection::Rejection;

/// Every field that is signed or needed. A field that is there is a string.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Message<'a> {
    #[serde(borrow)]
    pub(crate) r#type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) message_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) topic_arn: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) message: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) timestamp: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) subject: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) token: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "SubscribeURL")]
    pub(crate) subscribe_url: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) signature_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) signature: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "SigningCertURL")]
    pub(crate) signing_cert_url: Option<Cow<'a, str>>,
}

/// The value of a field that must be there.
pub(super) fn required<'a>(
    field: Option<&'a Cow<'_, str>>,
    name: &'static str,
) -> Result<&'a str, Rejection> {
    field.map(AsRef::as_ref).ok_or(Rejection::Missing(name))
}
