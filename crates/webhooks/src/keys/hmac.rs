//! Secrets that are shared with the sender.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::text::{Attributes, KeysError};
use super::{Key, NamedKey};

/// Shortest secret, in bytes: half of what HMAC-SHA256 can use (RFC 2104, 3, advises all of it).
const SECRET_BYTES_MIN: usize = 16;

#[derive(Clone)]
pub(super) struct HmacSecret {
    // The secret's two padded blocks are absorbed once, here, instead of once per delivery.
    mac: Hmac<Sha256>,
}

pub(super) fn parse(text: &str) -> Result<Vec<NamedKey>, KeysError> {
    let lines = text.lines().filter(|line| !line.trim().is_empty()).enumerate();
    lines.map(|(at, line)| parse_line(line, at + 1)).collect()
}

fn parse_line(line: &str, at: usize) -> Result<NamedKey, KeysError> {
    let line = line.trim_end_matches('\r');
    let mut attributes = Attributes::default();
    let secret = if Attributes::begin(line) {
        let (words, secret) = line.split_once("secret=").ok_or(KeysError::Attribute(at))?;
        words.split_ascii_whitespace().try_for_each(|word| attributes.add(word, at))?;
        secret
    } else {
        line
    };
    let secret = HmacSecret::new(secret.as_bytes()).ok_or(KeysError::Short(at))?;
    Ok(NamedKey::new(&attributes, at, Key::Hmac(secret)))
}

impl HmacSecret {
    fn new(secret: &[u8]) -> Option<Self> {
        let is_long = secret.len() >= SECRET_BYTES_MIN;
        let mac = is_long.then(|| Hmac::new_from_slice(secret).ok()).flatten()?;
        Some(Self { mac })
    }

    pub(super) fn verifies_any(&self, message: [&[u8]; 2], signatures: &[[u8; 32]]) -> Choice {
        let mut mac = self.mac.clone();
        message.iter().for_each(|part| mac.update(part));
        let made: [u8; 32] = mac.finalize().into_bytes().into();
        signatures.iter().fold(Choice::from(0), |found, signature| found | made.ct_eq(signature))
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        let mine: [u8; 32] = self.mac.clone().finalize().into_bytes().into();
        bool::from(other.verifies_any([b"", b""], &[mine]))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use jiff::Timestamp;

    use super::*;
    use crate::keys::Keys;

    /// Their message is `<id>.<time>.<body>`, and their secret is bytes: the core below both is the same.
    #[test]
    fn the_vectors_of_standard_webhooks_verify() {
        // standardwebhooks.com, reference libraries, tests of verification.
        for (secret, message, body, signature) in [
            (
                "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                "msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.",
                r#"{"test": 2432232314}"#,
                "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            ),
            (
                "C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
                "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk.1649367553.",
                r#"{"email":"test@example.com","username":"test_user"}"#,
                "tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
            ),
        ] {
            let secret = HmacSecret::new(&STANDARD.decode(secret).unwrap()).unwrap();
            let keys = Keys(vec![NamedKey::new(&Attributes::default(), 1, Key::Hmac(secret))]);
            let signature: [u8; 32] = STANDARD.decode(signature).unwrap().try_into().unwrap();
            let message = [message.as_bytes(), body.as_bytes()];
            assert_eq!(keys.find_hmac(message, &[signature], Timestamp::UNIX_EPOCH), Ok("key1"));
        }
    }

    #[test]
    fn the_vector_of_circleci_verifies() {
        // circleci.com/docs/webhooks: "hello world" under "secret".
        let mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        let key = HmacSecret { mac };
        let expected = "734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a";
        let expected = crate::encoding::from_hex_32(expected).unwrap();
        assert!(bool::from(key.verifies_any([b"hello ", b"world"], &[expected])));
    }
}
