//! The format of keys that we make: `iq_<environment>_<id 8>_<secret 43>_<checksum 6>`, all in base 62.
//!
//! The prefix lets scanners for leaked secrets find them, the id names a key without telling it, the secret has 256
//! bits, and the checksum refuses a mistyped key before anything is looked up. It proves nothing.

use std::fmt;

/// Digits of the id.
const ID_DIGITS: usize = 8;
/// Digits of the secret: 43 · log2 62 = 256.03 bits.
const SECRET_DIGITS: usize = 43;
/// Digits of the checksum: 62^6 > 2^32.
const CHECKSUM_DIGITS: usize = 6;

const BASE_62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What a key is for; part of its text, so that a test key in a production log is seen for what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Environment {
    /// Real money.
    Live,
    /// Simulated money.
    Paper,
    /// Tests.
    Test,
}

impl Environment {
    const ALL: [Self; 3] = [Self::Live, Self::Paper, Self::Test];

    fn prefix(self) -> &'static str {
        match self {
            Self::Live => "iq_live_",
            Self::Paper => "iq_paper_",
            Self::Test => "iq_test_",
        }
    }
}

/// A key that was just made. Its text is shown once, to whoever asked for it.
pub struct NewKey(String);

impl NewKey {
    /// The text, for the one who asked for it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("NewKey(redacted)")
    }
}

/// Makes a key from the operating system's randomness.
///
/// # Errors
/// The operating system has none to give.
pub fn generate(environment: Environment) -> Result<NewKey, getrandom::Error> {
    let mut text = environment.prefix().to_owned();
    push_random(&mut text, ID_DIGITS)?;
    text.push('_');
    push_random(&mut text, SECRET_DIGITS)?;
    let checksum = checksum(text.as_bytes());
    text.push('_');
    text.extend(checksum.map(char::from));
    Ok(NewKey(text))
}

/// Appends digits, each equally likely: bytes beyond the last whole multiple of 62 are thrown away.
fn push_random(text: &mut String, digits: usize) -> Result<(), getrandom::Error> {
    let end = text.len() + digits;
    while text.len() < end {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes)?;
        let fair = bytes.iter().filter(|byte| **byte < 62 * 4);
        let room = end - text.len();
        text.extend(fair.take(room).map(|byte| char::from(BASE_62[usize::from(byte % 62)])));
    }
    Ok(())
}

/// How a text relates to the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A key of ours whose checksum is right.
    Ours,
    /// It starts like a key of ours, and is none.
    Damaged,
    /// Something else.
    Foreign,
}

pub(super) fn form(text: &[u8]) -> Form {
    let Some(rest) =
        Environment::ALL.iter().find_map(|environment| text.strip_prefix(environment.prefix().as_bytes()))
    else {
        return if text.starts_with(b"iq_") { Form::Damaged } else { Form::Foreign };
    };
    let parts: Vec<&[u8]> = rest.split(|byte| *byte == b'_').collect();
    let [id, secret, check] = parts[..] else { return Form::Damaged };
    let is_base_62 = |part: &[u8]| part.iter().all(u8::is_ascii_alphanumeric);
    let has_shape = id.len() == ID_DIGITS && secret.len() == SECRET_DIGITS && check.len() == CHECKSUM_DIGITS;
    let summed = text.len() - CHECKSUM_DIGITS - 1;
    if has_shape && is_base_62(id) && is_base_62(secret) && check == checksum(&text[..summed]) {
        Form::Ours
    } else {
        Form::Damaged
    }
}

/// The id that a presented key claims to have, whether the key exists or not.
#[must_use]
pub fn claimed_id(presented: &[u8]) -> Option<&[u8]> {
    let rest = Environment::ALL
        .iter()
        .find_map(|environment| presented.strip_prefix(environment.prefix().as_bytes()))?;
    rest.get(..ID_DIGITS)
}

/// CRC-32 (IEEE 802.3, as in zip) of the text before it, in base 62.
fn checksum(text: &[u8]) -> [u8; CHECKSUM_DIGITS] {
    let mut rest = crc32(text);
    let mut digits = [b'0'; CHECKSUM_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = BASE_62[usize::try_from(rest % 62).unwrap_or_default()];
        rest /= 62;
    }
    digits
}

fn crc32(bytes: &[u8]) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0xedb8_8320;
    let shift = |crc: u32| (crc >> 1) ^ (REVERSED_POLYNOMIAL & (crc & 1).wrapping_neg());
    let add = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| shift(crc));
    !bytes.iter().fold(u32::MAX, add)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_crc_32() {
        // The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_made_key_is_ours_and_a_mistyped_one_is_not() {
        for environment in Environment::ALL {
            let key = generate(environment).unwrap();
            let text = key.expose();
            assert_eq!(text.len(), environment.prefix().len() + 8 + 1 + 43 + 1 + 6);
            assert_eq!(form(text.as_bytes()), Form::Ours, "{text}");
            for place in 0..text.len() {
                let mut mistyped = text.as_bytes().to_vec();
                mistyped[place] = if mistyped[place] == b'a' { b'b' } else { b'a' };
                assert_ne!(form(&mistyped), Form::Ours, "{text} at {place}");
            }
            assert_eq!(claimed_id(text.as_bytes()).unwrap().len(), 8);
            assert!(!format!("{key:?}").contains(text));
        }
        assert_ne!(
            generate(Environment::Test).unwrap().expose(),
            generate(Environment::Test).unwrap().expose()
        );
        assert_eq!(form(b"something else"), Form::Foreign);
        assert_eq!(form(b"iq_prod_x"), Form::Damaged);
        assert_eq!(claimed_id(b"iq_live_abc"), None);
    }
}
