//! The name of a secret, from which its variable, file and AWS id are derived.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

const NAME_BYTES_MAX: usize = 64;

/// A secret's name: a lower-case letter, then lower-case letters, digits and single underscores between them, 1 to 64
/// bytes.
///
/// A hyphen is read as an underscore, so that `audit-key` and `audit_key` are one entry and never two.
///
/// ```
/// use secrets::SecretName;
///
/// let name: SecretName = "audit-key".parse()?;
/// assert_eq!(name.as_str(), "audit_key");
/// assert_eq!(name.variable(), "AUDIT_KEY");
/// assert_eq!(name.aws_id("prod/rail"), "prod/rail/audit-key");
/// assert!("AUDIT_KEY".parse::<SecretName>().is_err());
/// # Ok::<(), secrets::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(Arc<str>);

/// The text is not a [`SecretName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret name is 1 to 64 lower-case letters and digits with single `_` or `-` between them")]
pub struct NameError;

impl SecretName {
    /// The canonical spelling, which is also the file name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The environment variable: the name in upper case.
    #[must_use]
    pub fn variable(&self) -> String {
        self.0.to_ascii_uppercase()
    }

    /// The id in AWS Secrets Manager below `prefix`, with hyphens as usual there.
    #[must_use]
    pub fn aws_id(&self, prefix: &str) -> String {
        let leaf = self.0.replace('_', "-");
        match prefix.trim_end_matches('/') {
            "" => leaf,
            prefix => format!("{prefix}/{leaf}"),
        }
    }
}

impl FromStr for SecretName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let has_size = (1..=NAME_BYTES_MAX).contains(&text.len());
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let starts_with_letter = text.starts_with(|first: char| first.is_ascii_lowercase());
        if has_size && starts_with_letter && text.split(['_', '-']).all(is_word) {
            Ok(Self(text.replace('-', "_").into()))
        } else {
            Err(NameError)
        }
    }
}

impl Borrow<str> for SecretName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Debug for SecretName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_words_of_lower_case_letters_and_digits() {
        for good in ["a", "audit_key", "audit-key", "api_keys", "key2", &"a".repeat(64)] {
            assert!(good.parse::<SecretName>().is_ok(), "{good}");
        }
        let bad =
            ["", "_a", "a_", "a__b", "a-_b", "A", "2a", "a b", "a/b", "..", "a.b", "é", &"a".repeat(65)];
        for bad in bad {
            assert_eq!(bad.parse::<SecretName>(), Err(NameError), "{bad}");
        }
    }

    #[test]
    fn both_spellings_are_one_key() {
        assert_eq!("audit-key".parse::<SecretName>(), "audit_key".parse());
    }

    #[test]
    fn an_empty_prefix_leaves_the_bare_aws_id() {
        let name: SecretName = "redis_password".parse().unwrap();
        assert_eq!(name.aws_id(""), "redis-password");
        assert_eq!(name.aws_id("prod/"), "prod/redis-password");
    }
}
