//! Generates new values from the operating system's randomness.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::{ConfigError, Error};
use crate::spec::{Class, Format, SecretSpec};
use crate::value::SecretValue;

/// Minimum length of a new key: 256 bits.
const KEY_BYTES: usize = 32;
/// Length of a new text, out of 62 characters: 256 bits.
const TEXT_CHARS: usize = 43;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// The largest multiple of 62 in a byte: bytes below it, modulo 62, are uniformly distributed.
const UNIFORM_BELOW: u8 = 248;

/// Whether we generate secrets of this class. Secrets that identify us to others, or others to us, are issued by others.
#[must_use]
pub fn can_generate(spec: &SecretSpec) -> bool {
    let is_internal = match spec.class {
        Class::SigningKey | Class::EncryptionKey => true,
        Class::DbCredential | Class::ApiKey | Class::WebhookSecret | Class::AccessList => false,
    };
    is_internal
        && matches!(
            spec.format,
            Format::Text | Format::Base64 { .. } | Format::Base64Lines { .. } | Format::Hex { .. }
        )
}

/// A new value as the catalogue declares it.
///
/// # Errors
/// [`ConfigError::IssuedElsewhere`] for a secret that others issue, [`ConfigError::NoRandomness`].
pub fn generate(spec: &SecretSpec) -> Result<SecretValue, Error> {
    if !can_generate(spec) {
        return Err(Error::Config(ConfigError::IssuedElsewhere(spec.name.clone())));
    }
    match spec.format {
        Format::Base64 { bytes_min } | Format::Base64Lines { bytes_min } => {
            random(bytes_min.max(KEY_BYTES)).map(|bytes| SecretValue::from_string(STANDARD.encode(&bytes)))
        }
        Format::Hex { bytes_min } => {
            random(bytes_min.max(KEY_BYTES)).map(|bytes| SecretValue::from_string(hex::encode(&bytes)))
        }
        Format::Text
        | Format::DatabaseUrl
        | Format::Lines
        | Format::Pem
        | Format::Json { .. }
        | Format::Bytes => text(),
    }
}

fn random(count: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(vec![0; count]);
    getrandom::fill(&mut bytes).map_err(|_| Error::Config(ConfigError::NoRandomness))?;
    Ok(bytes)
}

/// Drops the bytes that would make some characters more likely than others.
fn text() -> Result<SecretValue, Error> {
    let mut text = Zeroizing::new(Vec::with_capacity(TEXT_CHARS));
    while text.len() < TEXT_CHARS {
        let (bytes, missing) = (random(TEXT_CHARS)?, TEXT_CHARS - text.len());
        let uniform = bytes.iter().filter(|byte| **byte < UNIFORM_BELOW);
        text.extend(uniform.map(|byte| ALPHABET[usize::from(byte % 62)]).take(missing));
    }
    Ok(SecretValue::from_slice(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::origin::Origin;
    use crate::{policy, text as format};

    #[test]
    fn every_generated_value_is_well_formed_strong_and_new() {
        let origin = Origin::Aws { id: String::new(), region: String::new() };
        let (bytes_min, name) = (32, || "key".parse().unwrap());
        for format in [
            Format::Text,
            Format::Hex { bytes_min },
            Format::Base64 { bytes_min },
            Format::Base64Lines { bytes_min },
        ] {
            let spec = &SecretSpec::new(name(), Class::SigningKey, format, "");
            let (one, two) = (generate(spec).unwrap(), generate(spec).unwrap());
            assert!(format::clean(&one, spec).is_ok(), "{}", spec.name);
            assert_eq!(policy::violation(spec, &origin, &one), None, "{}", spec.name);
            assert!(!one.verify_eq(two.expose()));
        }
    }

    #[test]
    fn secrets_issued_by_others_are_not_generated() {
        let catalogue = Catalogue::product();
        for name in ["polygon_api_key", "database_url", "alpaca_webhook_secret", "api_keys"] {
            let result = generate(catalogue.get(name).unwrap());
            assert!(matches!(result, Err(Error::Config(ConfigError::IssuedElsewhere(_)))), "{name}");
        }
    }

    #[test]
    fn characters_are_uniformly_distributed() {
        // 2,000 texts of 43 out of 62: 1,387 of each are expected, with a standard deviation of 37.
        let mut counts = [0_u32; 256];
        for _ in 0..2_000 {
            text().unwrap().expose().iter().for_each(|byte| counts[usize::from(*byte)] += 1);
        }
        for char in ALPHABET {
            let count = counts[usize::from(*char)];
            assert!((1_387 - 6 * 37..=1_387 + 6 * 37).contains(&count), "{}: {count}", char::from(*char));
        }
    }

    #[test]
    fn hexadecimal_is_two_digits_for_each_byte() {
        let format = Format::Hex { bytes_min: 40 };
        let key = generate(&SecretSpec::new("key".parse().unwrap(), Class::SigningKey, format, "")).unwrap();
        assert_eq!(key.len(), 80);
    }
}
