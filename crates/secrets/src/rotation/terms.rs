//! For how long the value before counts.

use std::time::Duration;

use super::MARGIN;
use crate::error::{Error, Misuse};
use crate::spec::{Class, SecretSpec};

/// The longest overlap, unless a site says else.
pub const OVERLAP_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// For so long a list of whom we accept is accepted after a rotation, so that its callers can change their keys. One that is
/// changed by hand ends at once: somebody meant to take a key off it.
const LIST_OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// For how long the value before counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long it is accepted after the new one took over. [`Duration::MAX`] is until it is retired by hand.
    pub overlap: Duration,
    /// The longest life of what is signed with it.
    pub token_life: Duration,
    /// The longest overlap that the site allows.
    pub overlap_max: Duration,
}

impl Terms {
    /// The overlap that the catalogue declares, for tokens that live for `token_life`; a day for a list of whom we accept;
    /// at most 7 days.
    #[must_use]
    pub fn of(spec: &SecretSpec, token_life: Duration) -> Self {
        let overlap = match spec.class {
            Class::AccessList => spec.overlap.max(LIST_OVERLAP),
            _ => spec.overlap,
        };
        Self { overlap, token_life, overlap_max: OVERLAP_MAX }
    }

    /// What verifies others' tokens must outlive them; a list of whom we accept may end at once. What is only sent is
    /// verified by others, so an overlap of ours would promise nothing. The key of stored data has no end.
    ///
    /// # Errors
    /// [`Misuse::Overlap`] with what is allowed, [`Misuse::NoOverlap`].
    pub fn check(&self, spec: &SecretSpec) -> Result<(), Error> {
        match spec.class {
            Class::EncryptionKey if self.overlap != Duration::MAX => Err(self.misuse(Duration::MAX)),
            Class::SigningKey | Class::WebhookSecret if self.overlap != Duration::MAX => {
                let min = spec.ttl + self.token_life + MARGIN;
                let is_within = (min..=self.overlap_max).contains(&self.overlap);
                if is_within { Ok(()) } else { Err(self.misuse(min)) }
            }
            Class::AccessList if self.overlap > self.overlap_max => Err(self.misuse(Duration::ZERO)),
            Class::ApiKey | Class::DbCredential | Class::Pepper | Class::Bootstrap
                if self.overlap != spec.overlap =>
            {
                Err(Error::Config(Misuse::NoOverlap(spec.name.clone())))
            }
            _ => Ok(()),
        }
    }

    fn misuse(&self, min: Duration) -> Error {
        Error::Config(Misuse::Overlap { overlap: self.overlap, min, max: self.overlap_max.max(min) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Format;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn check(class: Class, overlap: Duration, token_life: Duration) -> Result<(), Error> {
        let spec = SecretSpec::new("key".parse().unwrap(), class, Format::Text, "");
        Terms { overlap, token_life, overlap_max: 48 * HOUR }.check(&spec)
    }

    #[test]
    fn an_overlap_outlives_freshness_the_longest_token_and_the_margin() {
        // 300 s of freshness, 3,600 s of life, 30 s of margin.
        let least = Duration::from_secs(3_930);
        assert_eq!(check(Class::SigningKey, least, HOUR), Ok(()));
        assert!(check(Class::SigningKey, least - Duration::from_secs(1), HOUR).is_err());
        assert_eq!(check(Class::WebhookSecret, 48 * HOUR, HOUR), Ok(()));
        assert!(check(Class::WebhookSecret, 49 * HOUR, HOUR).is_err());
        assert_eq!(check(Class::ApiKey, Duration::ZERO, HOUR), Ok(()));
    }

    #[test]
    fn a_list_is_accepted_for_a_day_after_a_rotation_or_for_as_long_as_is_said() {
        let spec = SecretSpec::new("api_keys".parse().unwrap(), Class::AccessList, Format::Lines, "");
        assert_eq!((spec.overlap, Terms::of(&spec, HOUR).overlap), (Duration::ZERO, 24 * HOUR));
        for good in [Duration::ZERO, HOUR, 48 * HOUR] {
            assert_eq!(check(Class::AccessList, good, HOUR), Ok(()));
        }
        for bad in [49 * HOUR, Duration::MAX] {
            assert!(check(Class::AccessList, bad, HOUR).is_err());
        }
    }

    #[test]
    fn what_others_verify_has_no_overlap_of_ours() {
        for class in [Class::ApiKey, Class::DbCredential, Class::Pepper, Class::Bootstrap] {
            assert!(
                matches!(check(class, HOUR, HOUR), Err(Error::Config(Misuse::NoOverlap(_)))),
                "{class:?}"
            );
        }
    }

    #[test]
    fn every_declared_secret_can_be_rotated_as_it_is_declared() {
        for spec in crate::catalogue::Catalogue::product().iter() {
            assert_eq!(Terms::of(spec, HOUR).check(spec), Ok(()), "{}", spec.name);
        }
    }

    #[test]
    fn the_key_of_stored_data_has_no_end_by_the_clock() {
        assert_eq!(check(Class::EncryptionKey, Duration::MAX, HOUR), Ok(()));
        assert!(check(Class::EncryptionKey, 24 * HOUR, HOUR).is_err());
    }
}
