//! New values of secrets that we make ourselves, from the operating system's randomness.
//!
//! What a vendor makes, or what names a machine, cannot be made here.

use std::num::NonZeroU32;

use api_server::keys::{self, KeySet, Label, Role};
use api_server::layers::rate_limit;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrets::rotation;
use secrets::{Class, Format, SecretSpec, SecretValue};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Random bytes of a value: 256 bits.
const RANDOM_BYTES: usize = 32;
/// Of what opens databases and caches, the one whose other side takes it from a file of ours.
const OURS_TO_CHOOSE: &str = "redis_password";

/// How a secret is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recipe {
    /// As a rotation makes it.
    Key,
    /// Random bytes in letters, digits, `-` and `_`, which no URL and no shell has to escape.
    Word,
    /// One key of the API, of the role admin.
    ApiKey,
}

/// A key of the API that was just made.
pub(crate) struct ApiKey {
    /// `key:role`, as the secret `api_keys` holds it.
    pub(crate) entry: SecretValue,
    /// What the server's log calls it.
    pub(crate) label: Label,
}

impl Recipe {
    /// How this secret is made; `None` where somebody else makes it.
    pub(crate) fn of(spec: &SecretSpec) -> Option<Self> {
        if rotation::is_ours_to_make(spec) {
            return Some(Self::Key);
        }
        // We tell these to the other side, where it lets us choose.
        let is_chosen = spec.class == Class::WebhookSecret || spec.name.as_str() == OURS_TO_CHOOSE;
        match (spec.class, spec.format) {
            (Class::AccessList, Format::Lines) => Some(Self::ApiKey),
            // One key on a line is a list of one.
            (_, Format::Text | Format::Lines) if is_chosen => Some(Self::Word),
            _ => None,
        }
    }

    /// A new value.
    pub(crate) fn make(self, spec: &SecretSpec, purpose: keys::Environment) -> Result<SecretValue, Failure> {
        match self {
            Self::Key => Ok(rotation::generate(spec)?),
            Self::Word => word(),
            Self::ApiKey => Ok(api_key(purpose, Role::Admin)?.entry),
        }
    }
}

/// A key of the API.
pub(crate) fn api_key(purpose: keys::Environment, role: Role) -> Result<ApiKey, Failure> {
    let key = keys::generate(purpose).map_err(|_| Failure::NoRandomness)?;
    let label = label(key.expose()).ok_or(Failure::NoRandomness)?;
    Ok(ApiKey { entry: SecretValue::from_string(format!("{}:{role}", key.expose())), label })
}

/// What the server calls this key: it says so itself.
fn label(key: &str) -> Option<Label> {
    let any = rate_limit::Config { per_minute: NonZeroU32::MIN, burst: NonZeroU32::MIN };
    Some(KeySet::parse(key, any).ok()?.find(key.as_bytes())?.label())
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
        Recipe::of(Catalogue::product().get(name).unwrap())
    }

    #[test]
    fn what_others_make_is_not_made_here() {
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
    fn a_made_value_has_256_bits_and_differs_each_time() {
        for spec in Catalogue::product().iter() {
            let Some(recipe) = Recipe::of(spec) else { continue };
            let make = || recipe.make(spec, keys::Environment::Test).unwrap();
            let (one, other) = (make(), make());
            assert!(one.len() >= 43, "{}", spec.name);
            assert!(!one.verify_eq(other.expose()), "{}", spec.name);
        }
    }
}
