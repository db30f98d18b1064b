//! Secrets shared with whoever relays the broker's events.

use std::fmt;

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::key_text::{self, Attributes, KeysError};
use crate::rejection::Rejection;
use crate::window::Window;

/// Shortest secret, in bytes: half of what HMAC-SHA256 can use (RFC 2104, 3, advises all of it).
const SECRET_BYTES_MIN: usize = 16;

/// One or several secrets, each with a label and a time in which it is valid.
#[derive(Clone)]
pub struct Keys(Vec<Key>);

#[derive(Clone)]
struct Key {
    label: Box<str>,
    window: Window,
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
        let keys = lines.map(|(at, line)| Key::parse(line, at + 1)).collect::<Result<Vec<_>, _>>()?;
        key_text::judge(keys.iter().map(|key| &*key.label))?;
        Ok(Self(keys))
    }

    /// These keys and those of an `earlier` version of the secret, which senders may still use. An earlier secret that
    /// is among these is left out; an earlier label that is taken gets `-previous` behind it.
    ///
    /// # Errors
    /// [`KeysError::TooMany`] or [`KeysError::LabelTwice`].
    pub fn and_earlier(mut self, earlier: Self) -> Result<Self, KeysError> {
        for mut key in earlier.0 {
            if self.0.iter().any(|known| known.is_same_secret(&key)) {
                continue;
            }
            if self.0.iter().any(|known| known.label == key.label) {
                key.label = format!("{}-previous", key.label).into();
            }
            self.0.push(key);
        }
        key_text::judge(self.0.iter().map(|key| &*key.label))?;
        Ok(self)
    }

    /// What the keys are called.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &*key.label)
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
        for key in &self.0 {
            if bool::from(key.made_one_of(message, signatures)) {
                let slot = if key.window.contains(now) { &mut valid } else { &mut expired };
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

impl Key {
    fn parse(line: &str, at: usize) -> Result<Self, KeysError> {
        let line = line.trim_end_matches('\r');
        let (attributes, secret) = if key_text::has_attributes(line) {
            let (words, secret) = line.split_once("secret=").ok_or(KeysError::Attribute(at))?;
            let mut attributes = Attributes::default();
            words.split_ascii_whitespace().try_for_each(|word| attributes.take(word, at))?;
            (attributes, secret)
        } else {
            (Attributes::default(), line)
        };
        Self::new(attributes.label_or_position(at), attributes.window, secret.as_bytes())
            .ok_or(KeysError::Short(at))
    }

    fn new(label: Box<str>, window: Window, secret: &[u8]) -> Option<Self> {
        let is_long = secret.len() >= SECRET_BYTES_MIN;
        let mac = is_long.then(|| Hmac::new_from_slice(secret).ok()).flatten()?;
        Some(Self { label, window, mac })
    }

    fn made_one_of(&self, message: [&[u8]; 2], signatures: &[[u8; 32]]) -> Choice {
        let mut mac = self.mac.clone();
        message.iter().for_each(|part| mac.update(part));
        let made: [u8; 32] = mac.finalize().into_bytes().into();
        signatures.iter().fold(Choice::from(0), |found, signature| found | made.ct_eq(signature))
    }

    fn is_same_secret(&self, other: &Self) -> bool {
        let mine: [u8; 32] = self.mac.clone().finalize().into_bytes().into();
        bool::from(other.made_one_of([b"", b""], &[mine]))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(self.labels()).finish()
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
            let keys = Keys(vec![Key::new("a".into(), Window::default(), &secret).unwrap()]);
            let signature: [u8; 32] = STANDARD.decode(signature).unwrap().try_into().unwrap();
            let message = [message.as_bytes(), body.as_bytes()];
            assert_eq!(keys.find(message, &[signature], Timestamp::UNIX_EPOCH), Ok("a"));
        }
    }

    #[test]
    fn the_vector_of_circleci_verifies() {
        // circleci.com/docs/webhooks: "hello world" under "secret".
        let mac = Hmac::<Sha256>::new_from_slice(b"secret").unwrap();
        let key = Key { label: "a".into(), window: Window::default(), mac };
        let expected = "734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a";
        let expected = crate::notation::hex_32(expected).unwrap();
        assert!(bool::from(key.made_one_of([b"hello ", b"world"], &[expected])));
    }
}
