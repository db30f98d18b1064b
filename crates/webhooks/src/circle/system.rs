//! Which of Circle's two systems sent a delivery.

use http::HeaderMap;
use serde::Deserialize;

use super::direct::{KEY_ID_HEADER, SIGNATURE_HEADER};
use crate::json::{self, Field};

/// Which of Circle's two systems. Only a choice of verifier: each refuses what is not its own.
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
    /// The second system when either of its headers is there; else the first when the body names a topic; else the
    /// second, which will miss its headers.
    #[must_use]
    pub fn detect(headers: &HeaderMap, body: &[u8]) -> Self {
        let is_direct = headers.contains_key(SIGNATURE_HEADER) || headers.contains_key(KEY_ID_HEADER);
        let names_topic =
            || json::fields::<Fields<'_>>(body).is_ok_and(|fields| fields.topic_arn.is_present());
        if !is_direct && names_topic() { Self::Sns } else { Self::Direct }
    }
}
