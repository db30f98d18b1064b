//! What is declared of a secret before it is ever looked for.

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

/// One declared secret.
#[derive(Clone, Debug)]
pub struct SecretSpec {
    /// Its name.
    pub name: SecretName,
    /// What it is for, in a few words for the operator.
    pub purpose: &'static str,
    /// What kind of thing it is.
    pub class: Class,
    /// How its text is written.
    pub format: Format,
    /// The least strength, in bits, that is accepted in production. 0 where another party makes the value.
    pub strength_bits_min: u32,
    /// Age at which it is due for rotation.
    pub age_max: Duration,
    /// How long the previous value is still accepted after a change. Zero ends it at once.
    pub overlap: Duration,
    /// How long a value counts as fresh.
    pub ttl: Duration,
    /// How long the last good value is served while its source cannot be reached.
    pub stale_max: Duration,
    /// Where it may come from in production.
    pub sources: &'static [SourceKind],
    /// Whether a new value takes effect in a running process.
    pub reload: Reload,
    /// Profiles in which the process does not start without it.
    pub required_in: &'static [Profile],
    /// Older variables that also name it, after the one that follows from its name.
    pub aliases: &'static [&'static str],
}

/// What kind of thing a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// Signs what we later verify.
    SigningKey,
    /// Encrypts what we later decrypt: never expires by itself.
    EncryptionKey,
    /// Opens a database or cache.
    DbCredential,
    /// Identifies us to a vendor.
    ApiKey,
    /// Proves that a delivery came from a vendor.
    WebhookSecret,
    /// Says whose requests we accept.
    AccessList,
    /// Is mixed into a hash.
    Pepper,
    /// Is used once, to set up.
    Bootstrap,
}

/// How a secret's text is written. Nothing is guessed from the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// One line of UTF-8.
    Text,
    /// Lines of UTF-8.
    Lines,
    /// Padded standard Base64 of at least so many bytes.
    Base64 {
        /// Fewest decoded bytes.
        bytes_min: usize,
    },
    /// Lines, each as [`Format::Base64`]: keys that are still read with, the newest first.
    Base64Lines {
        /// Fewest decoded bytes of each line.
        bytes_min: usize,
    },
    /// Hexadecimal of at least so many bytes.
    Hex {
        /// Fewest decoded bytes.
        bytes_min: usize,
    },
    /// One or more PEM blocks.
    Pem,
    /// A JSON object with at least these text or number fields.
    Json {
        /// The fields.
        required: &'static [&'static str],
    },
    /// Bytes that are not looked at.
    Bytes,
}

/// Whether a new value takes effect in a running process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reload {
    /// Readers see it at their next load.
    Hot,
    /// It is reported, and takes effect at the next start.
    RestartRequired,
}

impl SecretSpec {
    /// A secret with its class's defaults: 90 days of age, 300 s of freshness, every source, hot reload, required
    /// nowhere.
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
            sources: &[SourceKind::Env, SourceKind::File, SourceKind::Aws],
            reload: Reload::Hot,
            required_in: &[],
            aliases: &[],
        }
    }

    /// Every variable that may hold it, the one that follows from its name first.
    pub fn variables(&self) -> impl Iterator<Item = String> + '_ {
        std::iter::once(self.name.variable()).chain(self.aliases.iter().map(|alias| (*alias).to_owned()))
    }
}

impl Class {
    /// OWASP ASVS 6.5.2 asks 112 bits of a random secret; what others make is theirs to size.
    fn strength_bits_min(self) -> u32 {
        match self {
            Self::SigningKey | Self::EncryptionKey | Self::Pepper => 128,
            Self::Bootstrap => 112,
            Self::DbCredential | Self::ApiKey | Self::WebhookSecret | Self::AccessList => 0,
        }
    }

    /// Whether we verify others by it, so that a version counts for as long as we accept it. What we only send counts for
    /// as long as somebody else does.
    pub(crate) fn is_verified_by_us(self) -> bool {
        match self {
            Self::SigningKey | Self::WebhookSecret | Self::AccessList => true,
            Self::EncryptionKey | Self::DbCredential | Self::ApiKey | Self::Pepper | Self::Bootstrap => false,
        }
    }

    /// A list of whom we accept ends a removed entry at once; keys that verify what is in flight overlap.
    fn overlap(self) -> Duration {
        match self {
            Self::SigningKey | Self::WebhookSecret => DAY,
            // A decrypt-capable version is retired by re-encryption, never by the clock.
            Self::EncryptionKey => Duration::MAX,
            Self::DbCredential | Self::ApiKey | Self::AccessList | Self::Pepper | Self::Bootstrap => {
                Duration::ZERO
            }
        }
    }

    /// Long for what we send, short for what makes us accept others.
    fn stale_max(self) -> Duration {
        match self {
            Self::DbCredential | Self::ApiKey | Self::EncryptionKey | Self::Pepper => DAY,
            Self::SigningKey | Self::WebhookSecret | Self::AccessList | Self::Bootstrap => HOUR,
        }
    }
}
