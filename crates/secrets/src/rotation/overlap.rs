//! How long the previous value is accepted after a rotation.

use std::time::Duration;

use super::MARGIN;
use crate::error::{ConfigError, Error};
use crate::spec::{Class, SecretSpec};

/// The default limit of an overlap.
const OVERLAP_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The overlap of an access list after a rotation, so that clients can change their keys. A manual change has none,
/// because it may remove a key on purpose.
const ACCESS_LIST_OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the previous value is accepted after a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverlapPolicy {
    /// How long it is accepted after the takeover; [`Duration::MAX`] until it is retired by hand.
    pub overlap: Duration,
    /// The longest lifetime of tokens signed with it.
    pub token_life: Duration,
    /// The longest overlap that is allowed.
    pub overlap_max: Duration,
}

impl OverlapPolicy {
    /// The overlap that the catalogue declares, at least a day for an access list and at most 7 days, for tokens that
    /// live for `token_life`.
    #[must_use]
    pub fn new(spec: &SecretSpec, token_life: Duration) -> Self {
        let overlap = match spec.class {
            Class::AccessList => spec.overlap.max(ACCESS_LIST_OVERLAP),
            _ => spec.overlap,
        };
        Self { overlap, token_life, overlap_max: OVERLAP_MAX }
    }

    /// Checks the overlap against the class. A key that verifies tokens must outlive them; an access list may end at
    /// once. Secrets that we only send are verified by others, so that our overlap has no effect. Encryption keys have no
    /// deadline.
    ///
    /// # Errors
    /// [`ConfigError::OverlapOutOfRange`] with the limits, [`ConfigError::OverlapNotSupported`].
    pub fn check(&self, spec: &SecretSpec) -> Result<(), Error> {
        match spec.class {
            Class::EncryptionKey if self.overlap != Duration::MAX => Err(self.out_of_range(Duration::MAX)),
            Class::SigningKey | Class::WebhookSecret if self.overlap != Duration::MAX => {
                let min = spec.ttl + self.token_life + MARGIN;
                let is_within = (min..=self.overlap_max).contains(&self.overlap);
                if is_within { Ok(()) } else { Err(self.out_of_range(min)) }
            }
            Class::AccessList if self.overlap > self.overlap_max => Err(self.out_of_range(Duration::ZERO)),
            Class::ApiKey | Class::DbCredential if self.overlap != spec.overlap => {
                Err(Error::Config(ConfigError::OverlapNotSupported(spec.name.clone())))
            }
            _ => Ok(()),
        }
    }

    fn out_of_range(&self, min: Duration) -> Error {
        Error::Config(ConfigError::OverlapOutOfRange {
            overlap: self.overlap,
            min,
            max: self.overlap_max.max(min),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Format;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn check(class: Class, overlap: Duration, token_life: Duration) -> Result<(), Error> {
        let spec = SecretSpec::new("key".parse().unwrap(), class, Format::Text, "");
        OverlapPolicy { overlap, token_life, overlap_max: 48 * HOUR }.check(&spec)
    }

    #[test]
    fn an_overlap_covers_freshness_the_longest_token_and_the_margin() {
        // 300 s of freshness, 3,600 s of token lifetime, 30 s of margin.
        let least = Duration::from_secs(3_930);
        assert_eq!(check(Class::SigningKey, least, HOUR), Ok(()));
        assert!(check(Class::SigningKey, least - Duration::from_secs(1), HOUR).is_err());
        assert_eq!(check(Class::WebhookSecret, 48 * HOUR, HOUR), Ok(()));
        assert!(check(Class::WebhookSecret, 49 * HOUR, HOUR).is_err());
        assert_eq!(check(Class::ApiKey, Duration::ZERO, HOUR), Ok(()));
    }

    #[test]
    fn an_access_list_overlaps_for_a_day_or_for_as_long_as_is_requested() {
        let spec = SecretSpec::new("api_keys".parse().unwrap(), Class::AccessList, Format::Lines, "");
        assert_eq!((spec.overlap, OverlapPolicy::new(&spec, HOUR).overlap), (Duration::ZERO, 24 * HOUR));
        for good in [Duration::ZERO, HOUR, 48 * HOUR] {
            assert_eq!(check(Class::AccessList, good, HOUR), Ok(()));
        }
        for bad in [49 * HOUR, Duration::MAX] {
            assert!(check(Class::AccessList, bad, HOUR).is_err());
        }
    }

    #[test]
    fn secrets_verified_by_others_have_no_overlap() {
        for class in [Class::ApiKey, Class::DbCredential] {
            assert!(
                matches!(check(class, HOUR, HOUR), Err(Error::Config(ConfigError::OverlapNotSupported(_)))),
                "{class:?}"
            );
        }
    }

    #[test]
    fn every_declared_secret_can_be_rotated_as_it_is_declared() {
        for spec in crate::catalogue::Catalogue::product().iter() {
            assert_eq!(OverlapPolicy::new(spec, HOUR).check(spec), Ok(()), "{}", spec.name);
        }
    }

    #[test]
    fn an_encryption_key_has_no_deadline() {
        assert_eq!(check(Class::EncryptionKey, Duration::MAX, HOUR), Ok(()));
        assert!(check(Class::EncryptionKey, 24 * HOUR, HOUR).is_err());
    }
}
