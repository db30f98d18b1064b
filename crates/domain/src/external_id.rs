//! Ids that providers give to accounts and to what happens in them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest id of a provider, in bytes.
const ID_BYTES_MAX: usize = 128;

/// Who keeps the money or the shares, and tells us of it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// The broker.
    Alpaca,
    /// Bank accounts and transfers between money and tokens.
    Bridge,
    /// Wallets and tokens.
    Circle,
}

/// What a provider calls something, and which provider: `alpaca:904837e3-3b76-47ec-b432-046db621571b`. The id is 1 to 128
/// bytes of letters, digits, `-`, `_` and `.`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExternalId {
    provider: Provider,
    id: Box<str>,
}

/// The text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExternalIdError {
    /// No known provider stands before the colon.
    #[error("an id begins with its provider: alpaca:, bridge: or circle:")]
    Provider,
    /// The id itself is not acceptable.
    #[error("a provider's id is 1 to 128 letters, digits, -, _ and .")]
    Id,
}

impl Provider {
    /// Every provider.
    pub const ALL: [Self; 3] = [Self::Alpaca, Self::Bridge, Self::Circle];

    /// Its name in lower case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alpaca => "alpaca",
            Self::Bridge => "bridge",
            Self::Circle => "circle",
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl FromStr for Provider {
    type Err = ExternalIdError;

    fn from_str(text: &str) -> Result<Self, ExternalIdError> {
        let found = Self::ALL.into_iter().find(|provider| provider.as_str() == text);
        found.ok_or(ExternalIdError::Provider)
    }
}

impl ExternalId {
    /// The id that `provider` gave.
    ///
    /// # Errors
    /// [`ExternalIdError::Id`].
    pub fn new(provider: Provider, id: &str) -> Result<Self, ExternalIdError> {
        let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        let is_id = is_plain && (1..=ID_BYTES_MAX).contains(&id.len());
        if is_id { Ok(Self { provider, id: id.into() }) } else { Err(ExternalIdError::Id) }
    }

    /// Who gave it.
    #[must_use]
    pub const fn provider(&self) -> Provider {
        self.provider
    }

    /// What the provider calls it.
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

impl fmt::Debug for ExternalId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
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

impl<'de> Deserialize<'de> for ExternalId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::text::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_names_its_provider_and_holds_no_separator() {
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
