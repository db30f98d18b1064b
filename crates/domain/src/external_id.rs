//! Ids that providers assign to accounts, orders, executions, transfers and entries.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

use crate::text::text_form;

/// Longest id of a provider, in bytes.
const ID_BYTES_MAX: usize = 128;

/// Declares the providers: the name of each in code and in texts.
macro_rules! providers {
    ($($name:ident = $text:literal,)+) => {
        /// Who holds the money or the shares, and reports what happens to them.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
        )]
        #[serde(rename_all = "lowercase")]
        pub enum Provider {
            $(#[doc = concat!("The provider `", $text, "`.")] $name,)+
        }

        impl Provider {
            /// Every provider.
            pub const ALL: [Self; [$($text),+].len()] = [$(Self::$name),+];

            /// The name in lower case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

providers! {
    Alpaca = "alpaca",
    Bridge = "bridge",
    Circle = "circle",
}

/// A provider and the id that it assigned: `alpaca:904837e3-3b76-47ec-b432-046db621571b`. The id is 1 to 128 letters, digits,
/// `-`, `_` and `.`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId {
    provider: Provider,
    id: Box<str>,
}

/// Why a text is not an [`ExternalId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExternalIdError {
    /// The text does not begin with a known provider.
    #[error("external id must begin with a known provider and a colon, such as alpaca:")]
    Provider,
    /// The id itself is invalid.
    #[error("provider's id must be 1 to 128 letters, digits, -, _ and .")]
    Id,
}

impl fmt::Display for Provider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = ExternalIdError;

    fn from_str(text: &str) -> Result<Self, ExternalIdError> {
        let provider = Self::ALL.into_iter().find(|provider| provider.as_str() == text);
        provider.ok_or(ExternalIdError::Provider)
    }
}

impl ExternalId {
    /// What [`FromStr`] accepts, as a regular expression without anchors.
    #[must_use]
    pub fn pattern() -> String {
        format!("({}):[A-Za-z0-9_.-]{{1,{ID_BYTES_MAX}}}", Provider::ALL.map(Provider::as_str).join("|"))
    }

    /// Checks an id of `provider`.
    ///
    /// # Errors
    /// [`ExternalIdError::Id`].
    pub fn new(provider: Provider, id: &str) -> Result<Self, ExternalIdError> {
        let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let is_id = is_plain && (1..=ID_BYTES_MAX).contains(&id.len());
        if is_id { Ok(Self { provider, id: id.into() }) } else { Err(ExternalIdError::Id) }
    }

    /// The provider that assigned the id.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        self.provider
    }

    /// The id without its provider.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for ExternalId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.provider, self.id)
    }
}

impl FromStr for ExternalId {
    type Err = ExternalIdError;

    fn from_str(text: &str) -> Result<Self, ExternalIdError> {
        let (provider, id) = text.split_once(':').ok_or(ExternalIdError::Provider)?;
        Self::new(provider.parse()?, id)
    }
}

impl Serialize for ExternalId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

text_form!(ExternalId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_a_provider_and_no_separator() {
        for (text, expected) in [
            ("alpaca:904837e3-3b76", Ok("904837e3-3b76")),
            ("bridge:cust_1", Ok("cust_1")),
            ("circle:", Err(ExternalIdError::Id)),
            ("circle:a b", Err(ExternalIdError::Id)),
            ("circle:a/b", Err(ExternalIdError::Id)),
            ("stripe:1", Err(ExternalIdError::Provider)),
            ("904837e3", Err(ExternalIdError::Provider)),
        ] {
            let got: Result<ExternalId, _> = text.parse();
            assert_eq!(got.as_ref().map(ExternalId::id).map_err(|error| *error), expected, "{text:?}");
        }
    }
}
