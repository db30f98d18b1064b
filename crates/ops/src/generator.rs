//! Generates secrets with the operating system's random number generator, except those that somebody else issues.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use config::api_keys::{self, KeyMode, Label, Role};
use secrets::rotation;
use secrets::{Class, Format, SecretSpec, SecretValue};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Random bytes of a value: 256 bits.
const RANDOM_BYTES: usize = 32;

/// How a secret is generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Generator {
    /// As rotations generate it.
    Key,
    /// Random letters, digits, `-` and `_`, which need no escaping in URLs and shells.
    Token,
    /// A list with one API key, which has the role admin.
    ApiKey,
}

pub(crate) struct ApiKey {
    /// `key:role`, as in the secret `api_keys`.
    pub(crate) entry: SecretValue,
    /// The name of the key in the server's log.
    pub(crate) label: Label,
}

impl Generator {
    /// `None` if somebody else issues the secret.
    pub(crate) fn for_secret(spec: &SecretSpec) -> Option<Self> {
        if rotation::can_generate(spec) {
            return Some(Self::Key);
        }
        match (spec.class, spec.format) {
            (Class::AccessList, Format::Lines) => Some(Self::ApiKey),
            // One line is a list with one item.
            (Class::WebhookSecret, Format::Text | Format::Lines) => Some(Self::Token),
            _ => None,
        }
    }

    pub(crate) fn generate(self, spec: &SecretSpec, mode: KeyMode) -> Result<SecretValue, Failure> {
        match self {
            Self::Key => Ok(rotation::generate(spec)?),
            Self::Token => token(),
            Self::ApiKey => Ok(api_key(mode, Role::Admin)?.entry),
        }
    }
}

pub(crate) fn api_key(mode: KeyMode, role: Role) -> Result<ApiKey, Failure> {
    let key = api_keys::generate(mode).map_err(|_| Failure::Random)?;
    let label = Label::from_key(key.expose());
    Ok(ApiKey { entry: SecretValue::from_string(format!("{}:{role}", key.expose())), label })
}

pub(crate) fn token() -> Result<SecretValue, Failure> {
    let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(|_| Failure::Random)?;
    Ok(SecretValue::from_string(URL_SAFE_NO_PAD.encode(bytes.as_slice())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrets::Catalogue;

    fn generator(name: &str) -> Option<Generator> {
        Generator::for_secret(Catalogue::product().get(name).unwrap())
    }

    #[test]
    fn secrets_that_others_issue_are_not_generated() {
        for (name, expected) in [
            ("audit_key", Some(Generator::Key)),
            ("api_keys", Some(Generator::ApiKey)),
            ("alpaca_webhook_secret", Some(Generator::Token)),
            ("bridge_webhook_secret", None),
            ("database_url", None),
            ("polygon_api_key", None),
        ] {
            assert_eq!(generator(name), expected, "{name}");
        }
    }

    #[test]
    fn a_generated_value_has_256_bits_and_differs_each_time() {
        for spec in Catalogue::product().iter() {
            let Some(generator) = Generator::for_secret(spec) else { continue };
            let generate = || generator.generate(spec, KeyMode::Test).unwrap();
            let (one, other) = (generate(), generate());
            assert!(one.len() >= 43, "{}", spec.name);
            assert!(!one.verify_eq(other.expose()), "{}", spec.name);
        }
    }
}
