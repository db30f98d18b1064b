//! Secrets shared with whoever relays the broker's events.

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::key_ring::{Distinct, KeyRing, Labelled};
use crate::key_text::{self, Attributes, KeysError};
use crate::rejection::Rejection;

/// Shortest secret, in bytes: half of what HMAC-SHA256 can use (RFC 2104, 3, advises all of it).
const SECRET_BYTES_MIN: usize = 16;

/// One or several secrets, each with a label and a time in which it is valid.
#[derive(Clone, Debug)]
pub struct Keys(KeyRing<Secret>);

#[derive(Clone)]
struct Secret {
    // The secret's two padded blocks are absorbed once, here, instead of once per delivery.
    mac: Hmac<Sha256>,
}

impl Keys {
    /// Reads the text of a secret: one key per line, empty lines aside. A line is the secret alone, or
    /// `label=2026-02 not_before=2026-02-01T00:00:00Z not_after=2026-08-01T00:00:00Z secret=…` with any of the first
    /// three left out; the secret is all that follows `secret=`. Without a label the first key is `key1`.
    ///
    /// # Errors
    /// [`KeysError`], which never repeats a secret.
    ///
    /// ```
    /// let keys = webhooks::alpaca::Keys::parse("label=new secret=correct horse battery\nan older long secret")?;
    /// assert_eq!(keys.labels().collect::<Vec<_>>(), ["new", "key2"]);
    /// assert!(webhooks::alpaca::Keys::parse("short").is_err());
    /// # Ok::<(), webhooks::KeysError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let lines = text.lines().filter(|line| !line.trim().is_empty()).enumerate();
        let keys = lines.map(|(at, line)| parse_line(line, at + 1)).collect::<Result<Vec<_>, _>>()?;
        KeyRing::new(keys).map(Self)
    }

    /// These keys and those of an `earlier` version of the secret, which senders may still use. An earlier secret that
    /// is among these is left out; an earlier label that is taken gets `-previous` behind it.
    ///
    /// # Errors
    /// [`KeysError::TooMany`] or [`KeysError::LabelTwice`].
    pub fn and_earlier(self, earlier: Self) -> Result<Self, KeysError> {
        self.0.and_earlier(earlier.0).map(Self)
    }

    /// What the keys are called.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.labels()
    }

    /// Finds the key that made one of `signatures` over `message`. Every key is held against every signature, and each
    /// comparison takes the same time wherever they differ.
    pub(super) fn find(
        &self,
        message: [&[u8]; 2],
        signatures: &[[u8; 32]],
        now: Timestamp,
    ) -> Result<&str, Rejection> {
        let (mut valid, mut expired) = (None, None);
        for key in self.0.iter() {
            if bool::from(key.key.made_one_of(message, signatures)) {
                let slot = if key.is_valid(now) { &mut valid } else { &mut expired };
                slot.get_or_insert(&*key.label);
            }
        }
        match (valid, expired) {
            (Some(label), _) => Ok(label),
            (None, Some(label)) => Err(Rejection::ExpiredKey { key_id: label.into() }),
            (None, None) => Err(Rejection::Signature),
        }
    }
}

fn parse_line(line: &str, at: usize) -> Result<Labelled<Secret>, KeysError> {
    let line = line.trim_end_matches('\r');
    let (attributes, secret) = if key_text::has_attributes(line) {
        let (words, secret) = line.split_once("secret=").ok_or(KeysError::Attribute(at))?;
        let mut attributes = Attributes::default();
        words.split_ascii_whitespace().try_for_each(|word| attributes.take(word, at))?;
        (attributes, secret)
    } else {
        (Attributes::default(), line)
    };
    let secret = Secret::new(secret.as_bytes()).ok_or(KeysError::Short(at))?;
    Ok(Labelled::new(&attributes, at, secret))
}

impl Secret {
    fn new(secret: &[u8]) -> Option<Self> {
        let is_long = secret.len() >= SECRET_BYTES_MIN;
        let mac = is_long.then(|| Hmac::new_from_slice(secret).ok()).flatten()?;
        Some(Self { mac })
    }

    fn made_one_of(&self, message: [&[u8]; 2], signatures: &[[u8; 32]]) -> Choice {
        let mut mac = self.mac.clone();
        message.iter().for_each(|part| mac.update(part));
        let made: [u8; 32] = mac.finalize().into_bytes().into();
        signatures.iter().fold(Choice::from(0), |found, signature| found | made.ct_eq(signature))
    }
}

impl Distinct for Secret {
    fn is_same(&self, other: &Self) -> bool {
        let mine: [u8; 32] = self.mac.clone().finalize().into_bytes().into();
        bool::from(other.made_one_of([b"", b""], &[mine]))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

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
            let secret = STANDARD.decode(secret).unwrap();
            let secret = Labelled::new(&Attributes::default(), 1, Secret::new(&secret).unwrap());
            let keys = Keys(KeyRing::new(vec![secret]).unwrap());
            let signature: [u8; 32] = STANDARD.decode(signature).unwrap().try_into().unwrap();
            let message = [message.as_bytes(), body.as_bytes()];
            assert_eq!(keys.find(message, &[signature], Timestamp::UNIX_EPOCH), Ok("key1"));
        }
    }

    #[test]
    fn the_vector_of_circleci_verifies() {
        // circleci.com/docs/webhooks: "hello world" under "secret".
        let mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        let key = Secret { mac };
        let expected = "734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a";
        let expected = crate::notation::hex_32(expected).unwrap();
        assert!(bool::from(key.made_one_of([b"hello ", b"world"], &[expected])));
    }
}
