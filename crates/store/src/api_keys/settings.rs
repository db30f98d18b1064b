//! What a person decides of an API key, and its bounds.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use domain::{AccountScope, KeyMode, Role, Scopes};
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value as Json, json};

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 100;
/// Most networks of a key.
const IPS_MAX: usize = 50;
/// Highest limit of requests per minute and of a burst.
const REQUESTS_MAX: u32 = 1_000_000;
/// Most requests of one key in progress.
const CONCURRENCY_MAX: u32 = 1_000;
/// Longest metadata, as JSON.
const METADATA_BYTES_MAX: usize = 4096;
/// Digits of an id.
const ID_DIGITS: usize = 8;
const HOURS_PER_DAY: i64 = 24;

/// Validity of a key that names none.
pub const KEY_VALIDITY_DEFAULT: SignedDuration = SignedDuration::from_hours(90 * HOURS_PER_DAY);
/// Longest validity of a key.
pub const KEY_VALIDITY_MAX: SignedDuration = SignedDuration::from_hours(366 * HOURS_PER_DAY);
/// Time for which a rotated key stays valid, by default.
pub const KEY_OVERLAP_DEFAULT: SignedDuration = SignedDuration::from_hours(HOURS_PER_DAY);
/// Longest time for which a rotated key stays valid.
pub const KEY_OVERLAP_MAX: SignedDuration = SignedDuration::from_hours(30 * HOURS_PER_DAY);

/// The id of an API key: eight letters and digits, which are a part of the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyId([u8; ID_DIGITS]);

/// The text is not the id of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id of an API key is {ID_DIGITS} letters and digits")]
pub struct ApiKeyIdError;

impl ApiKeyId {
    /// What [`FromStr`] accepts, as a regular expression.
    pub const PATTERN: &str = "^[0-9A-Za-z]{8}$";

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The characters, all of them ASCII.
    #[must_use]
    pub const fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl FromStr for ApiKeyId {
    type Err = ApiKeyIdError;

    fn from_str(text: &str) -> Result<Self, ApiKeyIdError> {
        let digits = text.as_bytes().try_into().map_err(|_| ApiKeyIdError)?;
        let Self(all) = Self(digits);
        if all.iter().all(u8::is_ascii_alphanumeric) { Ok(Self(digits)) } else { Err(ApiKeyIdError) }
    }
}

impl fmt::Display for ApiKeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl fmt::Debug for ApiKeyId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// The secret of a new key as it is stored: its digest.
#[derive(Clone, Debug)]
pub struct ApiKeySecret {
    /// The id in the key.
    pub id: ApiKeyId,
    /// SHA-256 of the key.
    pub digest: [u8; 32],
    /// The last four characters of the key, for a person who has several.
    pub last_characters: String,
}

/// What is decided of a key. It is never changed: a rotation makes another key with the same settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeySettings {
    /// What the key is for.
    pub mode: KeyMode,
    /// Who uses it.
    pub name: String,
    /// The most that it may do.
    pub role: Role,
    /// What it may do.
    pub scopes: Scopes,
    /// The accounts whose books it may read.
    pub accounts: AccountScope,
    /// The networks that it may be used from; empty for all.
    pub ips: Vec<IpNet>,
    /// Requests a minute; `None` for the server's default.
    pub per_minute: Option<NonZeroU32>,
    /// Requests at once, with [`per_minute`](Self::per_minute).
    pub burst: Option<NonZeroU32>,
    /// Requests in progress; `None` for the server's default.
    pub concurrency: Option<NonZeroU32>,
    /// Whatever its owner wants to note.
    pub metadata: Map<String, Json>,
}

/// A setting is out of its bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct SettingError {
    /// The field of [`ApiKeySettings`], or `expires_at`.
    pub field: &'static str,
    /// What it must be.
    pub rule: String,
}

fn refuse(field: &'static str, rule: impl Into<String>) -> SettingError {
    SettingError { field, rule: rule.into() }
}

impl ApiKeySettings {
    /// Checks every bound.
    ///
    /// # Errors
    /// The first setting that is out of its bounds.
    pub fn check(&self, expires_at: Timestamp, now: Timestamp) -> Result<(), SettingError> {
        let chars = self.name.chars().count();
        if !(1..=NAME_CHARS_MAX).contains(&chars) || self.name.chars().any(char::is_control) {
            return Err(refuse("name", format!("must be 1 to {NAME_CHARS_MAX} printable characters")));
        }
        self.check_rights()?;
        if self.ips.len() > IPS_MAX || self.ips.iter().any(|network| network.prefix_len() == 0) {
            let rule = format!("must be at most {IPS_MAX} networks, none of them all addresses");
            return Err(refuse("ips", rule));
        }
        self.check_limits()?;
        if self.metadata_text().len() > METADATA_BYTES_MAX {
            return Err(refuse("metadata", format!("must be at most {METADATA_BYTES_MAX} bytes of JSON")));
        }
        if expires_at <= now || expires_at > now.saturating_add(KEY_VALIDITY_MAX).unwrap_or(Timestamp::MAX) {
            let days = KEY_VALIDITY_MAX.as_hours() / HOURS_PER_DAY;
            return Err(refuse("expires_at", format!("must be in the next {days} days")));
        }
        Ok(())
    }

    fn check_rights(&self) -> Result<(), SettingError> {
        if self.scopes.is_empty() {
            return Err(refuse("scopes", "must have at least one scope"));
        }
        if let Some(scope) = self.scopes.iter().find(|scope| !self.role.scopes().contains(*scope)) {
            return Err(refuse("scopes", format!("must not have {scope} with the role {}", self.role)));
        }
        match (self.role, &self.accounts) {
            (Role::Admin, AccountScope::Only { .. }) => {
                Err(refuse("accounts", "must be left out with the role admin, which has all"))
            }
            (Role::Viewer | Role::Trader, AccountScope::All) => {
                Err(refuse("accounts", format!("must be a list with the role {}", self.role)))
            }
            (Role::Admin, AccountScope::All) | (Role::Viewer | Role::Trader, AccountScope::Only { .. }) => {
                Ok(())
            }
        }
    }

    fn check_limits(&self) -> Result<(), SettingError> {
        let limits = [
            ("per_minute", self.per_minute, REQUESTS_MAX),
            ("burst", self.burst, REQUESTS_MAX),
            ("concurrency", self.concurrency, CONCURRENCY_MAX),
        ];
        if let Some((field, _, max)) =
            limits.into_iter().find(|(_, limit, max)| limit.is_some_and(|limit| limit.get() > *max))
        {
            return Err(refuse(field, format!("must be 1 to {max}")));
        }
        if self.burst.is_some() && self.per_minute.is_none() {
            return Err(refuse("burst", "must be left out without per_minute"));
        }
        Ok(())
    }

    pub(super) fn metadata_text(&self) -> String {
        Json::Object(self.metadata.clone()).to_string()
    }

    /// Without the name and the metadata, which may name people.
    pub(super) fn audit_detail(&self, expires_at: Timestamp) -> Json {
        json!({
            "mode": self.mode.to_string(),
            "role": self.role.to_string(),
            "scopes": self.scopes.to_string(),
            "accounts": self.accounts.items(),
            "ips": self.ips.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "per_minute": self.per_minute,
            "burst": self.burst,
            "concurrency": self.concurrency,
            "expires_at": expires_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::Scope;

    use super::*;

    fn settings() -> ApiKeySettings {
        ApiKeySettings {
            mode: KeyMode::Test,
            name: "reports".to_owned(),
            role: Role::Viewer,
            scopes: Scopes::of(&[Scope::LedgerRead]),
            accounts: AccountScope::NONE,
            ips: Vec::new(),
            per_minute: None,
            burst: None,
            concurrency: None,
            metadata: Map::new(),
        }
    }

    #[test]
    fn every_setting_has_bounds() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let refused = |change: fn(&mut ApiKeySettings)| {
            let mut settings = settings();
            change(&mut settings);
            settings.check(now + KEY_VALIDITY_DEFAULT, now).err().map(|error| error.field)
        };
        for (change, field) in [
            ((|_| ()) as fn(&mut ApiKeySettings), None),
            (|s| s.name = String::new(), Some("name")),
            (|s| s.name = "é".repeat(101), Some("name")),
            (|s| s.name = "a\nb".to_owned(), Some("name")),
            (|s| s.scopes = Scopes::default(), Some("scopes")),
            (|s| s.scopes = Scopes::TRADE, Some("scopes")),
            (|s| s.accounts = AccountScope::All, Some("accounts")),
            (|s| s.role = Role::Admin, Some("accounts")),
            (|s| (s.role, s.accounts) = (Role::Admin, AccountScope::All), None),
            (|s| s.ips = vec!["10.0.0.0/8".parse().unwrap()], None),
            (|s| s.ips = vec!["::/0".parse().unwrap()], Some("ips")),
            (|s| s.per_minute = NonZeroU32::new(1_000_001), Some("per_minute")),
            (|s| s.burst = NonZeroU32::new(5), Some("burst")),
            (|s| (s.per_minute, s.burst) = (NonZeroU32::new(5), NonZeroU32::new(5)), None),
            (|s| s.concurrency = NonZeroU32::new(1_001), Some("concurrency")),
            (|s| drop(s.metadata.insert("a".to_owned(), "b".repeat(4096).into())), Some("metadata")),
        ] {
            assert_eq!(refused(change), field);
        }
        for (seconds, is_valid) in [(0, false), (1, true), (366 * 86_400, true), (366 * 86_400 + 1, false)] {
            let expires_at = now + SignedDuration::from_secs(seconds);
            assert_eq!(settings().check(expires_at, now).is_ok(), is_valid, "{seconds}");
        }
    }

    #[test]
    fn an_id_is_eight_letters_and_digits() {
        assert_eq!("aB3dE6gH".parse::<ApiKeyId>().unwrap().to_string(), "aB3dE6gH");
        for text in ["", "aB3dE6g", "aB3dE6gHi", "aB3dE6g-", "aB3dE6é"] {
            assert!(text.parse::<ApiKeyId>().is_err(), "{text}");
        }
    }
}
