//! Generates values of secrets from the operating system's randomness.
//!
//! Secrets that a vendor issues or that name a machine cannot be generated.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use config::api_keys::{self, KeyMode, Label, Role};
use secrets::rotation;
use secrets::{Class, Format, SecretSpec, SecretValue};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Random bytes of a value: 256 bits.
const RANDOM_BYTES: usize = 32;
/// The one database credential that its server reads from a file of ours, so that we can choose it.
const CHOSEN_CREDENTIAL: &str = "redis_password";

/// How a secret is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// As a rotation generates it.
    Key,
    /// Random letters, digits, `-` and `_`, which need no escaping in URLs and shells.
    Word,
    /// One API key with the role admin.
    ApiKey,
}

/// A new API key.
pub(crate) struct ApiKey {
    /// `key:role`, as the secret `api_keys` holds it.
    pub(crate) entry: SecretValue,
    /// The name of the key in the server's log.
    pub(crate) label: Label,
}

impl Recipe {
    /// The recipe for this secret; `None` if somebody else issues it.
    pub(crate) fn for_secret(spec: &SecretSpec) -> Option<Self> {
        if rotation::can_generate(spec) {
            return Some(Self::Key);
        }
        // The other side lets us choose these.
        let is_chosen = spec.class == Class::WebhookSecret || spec.name.as_str() == CHOSEN_CREDENTIAL;
        match (spec.class, spec.format) {
            (Class::AccessList, Format::Lines) => Some(Self::ApiKey),
            // One line is a list with one item.
            (_, Format::Text | Format::Lines) if is_chosen => Some(Self::Word),
            _ => None,
        }
    }

    pub(crate) fn generate(self, spec: &SecretSpec, mode: KeyMode) -> Result<SecretValue, Failure> {
        match self {
            Self::Key => Ok(rotation::generate(spec)?),
            Self::Word => word(),
            Self::ApiKey => Ok(api_key(mode, Role::Admin)?.entry),
        }
    }
}

pub(crate) fn api_key(mode: KeyMode, role: Role) -> Result<ApiKey, Failure> {
    let key = api_keys::generate(mode).map_err(|_| Failure::NoRandomness)?;
    let label = Label::from_key(key.expose());
    Ok(ApiKey { entry: SecretValue::from_string(format!("{}:{role}", key.expose())), label })
}

fn word() -> Result<SecretValue, Failure> {
    let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(|_| Failure::NoRandomness)?;
    Ok(SecretValue::from_string(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrets::Catalogue;

    fn recipe(name: &str) -> Option<Recipe> {
        Recipe::for_secret(Catalogue::product().get(name).unwrap())
    }

    #[test]
    fn secrets_that_others_issue_are_not_generated() {
        for (name, expected) in [
            ("jwt_secret", Some(Recipe::Key)),
            ("encryption_key", Some(Recipe::Key)),
            ("api_keys", Some(Recipe::ApiKey)),
            ("live_trading_key", Some(Recipe::Key)),
            ("alpaca_webhook_secret", Some(Recipe::Word)),
            ("redis_password", Some(Recipe::Word)),
            ("bridge_webhook_secret", None),
            ("database_url", None),
            ("polygon_api_key", None),
        ] {
            assert_eq!(recipe(name), expected, "{name}");
        }
    }

    #[test]
    fn a_generated_value_has_256_bits_and_differs_each_time() {
        for spec in Catalogue::product().iter() {
            let Some(recipe) = Recipe::for_secret(spec) else { continue };
            let generate = || recipe.generate(spec, KeyMode::Test).unwrap();
            let (one, other) = (generate(), generate());
            assert!(one.len() >= 43, "{}", spec.name);
            assert!(!one.verify_eq(other.expose()), "{}", spec.name);
        }
    }
}
