//! Makes new values from the operating system's randomness.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::{Error, Misuse};
use crate::spec::{Class, Format, SecretSpec};
use crate::value::SecretValue;

/// Bytes of a new key at the least: 256 bits.
const KEY_BYTES: usize = 32;
/// Characters of a new text, out of 62: 256 bits.
const TEXT_CHARS: usize = 43;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// Bytes below this, taken modulo 62, are each character equally often.
const FAIR_BELOW: u8 = 248;

/// Whether a secret of this kind is ours to make. What identifies us to others, or others to us, is theirs.
#[must_use]
pub fn is_ours_to_make(spec: &SecretSpec) -> bool {
    let is_ours = match spec.class {
        Class::SigningKey | Class::EncryptionKey | Class::Pepper | Class::Bootstrap => true,
        Class::DbCredential | Class::ApiKey | Class::WebhookSecret | Class::AccessList => false,
    };
    is_ours
        && matches!(
            spec.format,
            Format::Text | Format::Base64 { .. } | Format::Base64Lines { .. } | Format::Hex { .. }
        )
}

/// A new value as the catalogue declares it.
///
/// # Errors
/// [`Misuse::MadeElsewhere`] for a value that is not ours to make, [`Misuse::NoRandomness`].
pub fn generate(spec: &SecretSpec) -> Result<SecretValue, Error> {
    if !is_ours_to_make(spec) {
        return Err(Error::Config(Misuse::MadeElsewhere(spec.name.clone())));
    }
    match spec.format {
        Format::Base64 { bytes_min } | Format::Base64Lines { bytes_min } => {
            random(bytes_min.max(KEY_BYTES)).map(|bytes| base64(&bytes))
        }
        Format::Hex { bytes_min } => random(bytes_min.max(KEY_BYTES)).map(|bytes| hex(&bytes)),
        Format::Text | Format::Lines | Format::Pem | Format::Json { .. } | Format::Bytes => text(),
    }
}

fn random(count: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let mut bytes = Zeroizing::new(vec![0; count]);
    getrandom::fill(&mut bytes).map_err(|_| Error::Config(Misuse::NoRandomness))?;
    Ok(bytes)
}

fn base64(bytes: &[u8]) -> SecretValue {
    SecretValue::from_string(STANDARD.encode(bytes))
}

fn hex(bytes: &[u8]) -> SecretValue {
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
    SecretValue::from_vec(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]).collect())
}

/// Characters drawn evenly: a byte that would favour some of them is thrown away.
fn text() -> Result<SecretValue, Error> {
    let mut text = Zeroizing::new(Vec::with_capacity(TEXT_CHARS));
    while text.len() < TEXT_CHARS {
        let (bytes, missing) = (random(TEXT_CHARS)?, TEXT_CHARS - text.len());
        let fair = bytes.iter().filter(|byte| **byte < FAIR_BELOW);
        text.extend(fair.map(|byte| ALPHABET[usize::from(byte % 62)]).take(missing));
    }
    Ok(SecretValue::from_slice(&text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;
    use crate::origin::Origin;
    use crate::{policy, text as form};

    #[test]
    fn every_value_that_is_ours_to_make_is_well_formed_strong_and_new() {
        let catalogue = Catalogue::product();
        let ours: Vec<_> = catalogue.iter().filter(|spec| is_ours_to_make(spec)).collect();
        assert!(ours.len() >= 8, "{}", ours.len());
        let origin = Origin::Aws { id: String::new(), region: String::new() };
        for spec in ours {
            let (one, two) = (generate(spec).unwrap(), generate(spec).unwrap());
            assert!(form::clean(&one, spec.format).is_ok(), "{}", spec.name);
            assert_eq!(policy::breach(spec, &origin, &one), None, "{}", spec.name);
            assert!(!one.verify_eq(two.expose()));
        }
    }

    #[test]
    fn what_others_make_is_not_made_up() {
        let catalogue = Catalogue::product();
        for name in ["polygon_api_key", "database_url", "alpaca_webhook_secret", "api_keys"] {
            let refused = generate(catalogue.get(name).unwrap());
            assert!(matches!(refused, Err(Error::Config(Misuse::MadeElsewhere(_)))), "{name}");
        }
    }

    #[test]
    fn each_character_is_drawn_as_often() {
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
        assert_eq!(hex(&[0x00, 0x9f, 0xa0]).expose_text(), Some("009fa0"));
    }
}
