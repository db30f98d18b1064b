//! The declaration of a secret.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::name::SecretName;
use crate::origin::SourceKind;
use crate::profile::Profile;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Age at which a secret is due for rotation.
const AGE_MAX: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long a value counts as fresh.
const TTL: Duration = Duration::from_secs(300);
const GRACE: Duration = Duration::from_secs(300);
/// The range of [`SecretSpec::grace`], in seconds: several reads fit in the shortest, and the longest is the time for which an
/// outage is tolerated where a secret lets others in.
pub const GRACE_S: RangeInclusive<u64> = 10..=3_600;

/// One declared secret.
#[derive(Clone, Debug)]
pub struct SecretSpec {
    /// Name in the catalogue.
    pub name: SecretName,
    /// Purpose, in a few words for the operator.
    pub purpose: &'static str,
    /// Class, which sets the defaults of the other fields.
    pub class: Class,
    /// Format that its text is checked against.
    pub format: Format,
    /// The minimum strength, in bits, that is accepted in production; 0 where another party issues the value.
    pub strength_bits_min: u32,
    /// Age at which it is due for rotation.
    pub age_max: Duration,
    /// How long the previous value is still accepted after a change; zero ends it at once.
    pub overlap: Duration,
    /// How long a value counts as fresh.
    pub ttl: Duration,
    /// How long the last good value is served while its source is unavailable.
    pub stale_max: Duration,
    /// How long the last good value is served after its source said that it does not have the secret, or denied access.
    pub grace: Duration,
    /// The sources that are accepted in production.
    pub sources: &'static [SourceKind],
    /// Profiles in which the process does not start without it.
    pub required_in: &'static [Profile],
    /// Older variables that are also read, after the variable of its name.
    pub aliases: &'static [&'static str],
}

/// The use of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// Signs data that we later verify.
    SigningKey,
    /// Encrypts data that we later decrypt; does not expire by itself.
    EncryptionKey,
    /// Authenticates us to a database, cache or mail server.
    DbCredential,
    /// Identifies us to a vendor.
    ApiKey,
    /// Proves that a delivery came from a provider.
    WebhookSecret,
    /// Lists the clients whose requests we accept.
    AccessList,
}

/// The encoding of a secret's text, which is never guessed from the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "`bytes_min` counts decoded bytes, of each line where there are lines")]
pub enum Format {
    /// One line of UTF-8.
    Text,
    /// One line: the URL of a database. The JSON that AWS keeps for a database becomes one.
    DatabaseUrl,
    /// Lines of UTF-8.
    Lines,
    /// Padded standard Base64.
    Base64 { bytes_min: usize },
    /// Lines, each as [`Format::Base64`]: the newest key first, then those that still decrypt or verify.
    Base64Lines { bytes_min: usize },
    /// Hexadecimal digits.
    Hex { bytes_min: usize },
    /// One or more PEM blocks.
    Pem,
    /// A JSON object with at least these text or number fields.
    Json { required: &'static [&'static str] },
    /// Any bytes; they are not checked.
    Bytes,
}

impl SecretSpec {
    /// A secret with the defaults of its class: due for rotation after 90 days, fresh for 300 s, accepted from every
    /// source, required in no profile.
    #[must_use]
    pub fn new(name: SecretName, class: Class, format: Format, purpose: &'static str) -> Self {
        Self {
            name,
            purpose,
            class,
            format,
            strength_bits_min: class.strength_bits_min(),
            age_max: AGE_MAX,
            overlap: class.overlap(),
            ttl: TTL,
            stale_max: class.stale_max(),
            grace: GRACE,
            sources: &[SourceKind::Env, SourceKind::File, SourceKind::Aws],
            required_in: &[],
            aliases: &[],
        }
    }

    /// Every name that the file of the secret may have, the usual one first: its name, and the aliases in lower case, each
    /// also with `.txt`.
    pub fn file_names(&self) -> impl Iterator<Item = String> + '_ {
        let names = self.variables().map(|variable| variable.to_ascii_lowercase());
        names.flat_map(|name| [name.clone(), format!("{name}.txt")])
    }

    /// Whether older keys are needed for as long as there is data that they encrypted or authenticated. A new value must then
    /// contain them.
    #[must_use]
    pub fn needs_older_keys(&self) -> bool {
        self.overlap == Duration::MAX
    }

    /// How long a value is accepted after it was replaced without an announced rotation: not at all, because to remove a value
    /// is to revoke it. A key that is needed for older data stays.
    pub(crate) fn overlap_after_change(&self) -> Duration {
        if self.needs_older_keys() { self.overlap } else { Duration::ZERO }
    }

    /// Every variable that may hold the secret, the variable of its name first.
    pub fn variables(&self) -> impl Iterator<Item = String> + '_ {
        std::iter::once(self.name.variable()).chain(self.aliases.iter().map(|alias| (*alias).to_owned()))
    }
}

impl Class {
    /// Above the 112 bits that OWASP ASVS 6.5.2 requires of a random secret; secrets issued by others have no minimum.
    fn strength_bits_min(self) -> u32 {
        match self {
            Self::SigningKey | Self::EncryptionKey => 128,
            Self::DbCredential | Self::ApiKey | Self::WebhookSecret | Self::AccessList => 0,
        }
    }

    /// Whether we verify others with it, so that we decide how long a version is accepted.
    pub(crate) fn is_verified_by_us(self) -> bool {
        match self {
            Self::SigningKey | Self::WebhookSecret | Self::AccessList => true,
            Self::EncryptionKey | Self::DbCredential | Self::ApiKey => false,
        }
    }

    /// After an announced rotation, keys that verify requests in flight overlap; an access list drops a removed entry.
    fn overlap(self) -> Duration {
        match self {
            Self::SigningKey | Self::WebhookSecret => DAY,
            // A key that can decrypt is needed for as long as there is data that it encrypted.
            Self::EncryptionKey => Duration::MAX,
            Self::DbCredential | Self::ApiKey | Self::AccessList => Duration::ZERO,
        }
    }

    /// Long for secrets that we send, short for secrets that authenticate clients.
    fn stale_max(self) -> Duration {
        match self {
            Self::DbCredential | Self::ApiKey | Self::EncryptionKey => DAY,
            Self::SigningKey | Self::WebhookSecret | Self::AccessList => HOUR,
        }
    }
}
