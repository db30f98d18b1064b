//! Which system of Circle sent a delivery: Mint or v2.

use http::HeaderMap;
use serde::Deserialize;

use super::direct::{KEY_ID_HEADER, SIGNATURE_HEADER};
use crate::json::{self, Field};

/// The system of Circle that sent a delivery. Only a choice of verifier: each refuses what is not its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum System {
    /// [`super::direct`]
    Direct,
    /// [`super::sns`]
    Sns,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields<'a> {
    #[serde(borrow, rename = "TopicArn")]
    topic_arn: Field<'a>,
}

impl System {
    /// Circle v2 if either of its headers is present; else Circle Mint if the body names a topic; else Circle v2, which
    /// then rejects the delivery for its missing headers.
    #[must_use]
    pub fn detect(headers: &HeaderMap, body: &[u8]) -> Self {
        let is_direct = headers.contains_key(SIGNATURE_HEADER) || headers.contains_key(KEY_ID_HEADER);
        let names_topic =
            || json::fields::<Fields<'_>>(body).is_ok_and(|fields| fields.topic_arn.is_present());
        if !is_direct && names_topic() { Self::Sns } else { Self::Direct }
    }
}
