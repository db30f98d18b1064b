//! API keys of clients: what each may do, and when it was used. Of the key itself, only a digest is stored.
//!
//! Every change raises the number in `key_version` in its transaction, which also lets one change wait for another; servers poll
//! the number, and load the keys whose version is greater than what they have. Uses are no change: they have no audit entry.

mod rows;
mod settings;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use audit::{Entry, ProofError};
use domain::{KeyMode, Scope};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::actor::Actor;
use crate::database::{Operation, Row, Transaction, retry, sql, values};
use crate::error::Error;
use crate::events::PAGE_ROWS_MAX;
use crate::store::Store;

pub use settings::{
    ApiKeyId, ApiKeyIdError, ApiKeySecret, ApiKeySettings, KEY_OVERLAP_DEFAULT, KEY_OVERLAP_MAX,
    KEY_VALIDITY_DEFAULT, KEY_VALIDITY_MAX, SettingError,
};

/// Most keys that are valid at once.
pub const API_KEYS_MAX: u64 = 10_000;
/// The migration that adds the table.
pub(crate) const SINCE_MIGRATION: i64 = 9;
/// Most rows of keys, also of those that have ended: each server loads them all when it starts.
pub const API_KEY_ROWS_MAX: u64 = 100_000;
/// Longest reason for a revocation, in characters.
const REASON_CHARS_MAX: usize = 2000;

const VERSION: &str = "SELECT version FROM key_version WHERE id = 1";
// First in each change: on Postgres, its lock makes changes wait for each other.
const NEXT_VERSION: &str = "UPDATE key_version SET version = version + 1 WHERE id = 1";
const VALID: &str = "SELECT COUNT(*) AS count FROM api_keys WHERE revoked_at IS NULL AND expires_at > $1";
const ALL: &str = "SELECT COUNT(*) AS count FROM api_keys";
// A key, those that it replaces, and those that created one of them.
const ORIGINS: &str = "WITH RECURSIVE origin (id, replaces, created_by) AS (\
    SELECT id, replaces, created_by FROM api_keys WHERE id = $1 \
    UNION SELECT k.id, k.replaces, k.created_by FROM api_keys k JOIN origin o ON k.id IN \
    (o.replaces, CASE WHEN o.created_by LIKE 'key:%' THEN SUBSTR(o.created_by, 5) END)) \
    SELECT * FROM api_keys WHERE id IN (SELECT id FROM origin)";
const USES: &str = "UPDATE api_keys SET uses = api_keys.uses + key.number, \
    last_used_ip = CASE WHEN api_keys.last_used_at > key.at THEN api_keys.last_used_ip ELSE key.ip END, \
    last_used_at = CASE WHEN api_keys.last_used_at > key.at THEN api_keys.last_used_at ELSE key.at END \
    FROM key WHERE api_keys.id = key.id";

/// An API key, without its secret.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// The id, which is a part of the key.
    pub id: ApiKeyId,
    /// What was decided of it.
    pub settings: ApiKeySettings,
    /// SHA-256 of the key.
    pub digest: [u8; 32],
    /// The last four characters of the key.
    pub last_characters: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Who created it.
    pub created_by: String,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub revocation: Option<Revocation>,
    /// The key that it replaces.
    pub replaces: Option<ApiKeyId>,
    /// The key that replaces it.
    pub successor: Option<ApiKeyId>,
    /// When it was used last; up to a minute late.
    pub last_use: Option<ApiKeyUse>,
    /// How often it was used.
    pub uses: u64,
    /// The number of its last change.
    pub version: i64,
    /// Why the row is not as the server wrote it. Such a key must not be accepted.
    pub forged: Option<Forgery>,
}

/// Why the row of a key is not as the server wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Forgery {
    /// Its proof does not match.
    #[error(transparent)]
    Proof(#[from] ProofError),
    /// A column has no valid value.
    #[error("its row cannot be read: it was changed, or a later release wrote it")]
    Unreadable,
}

/// The end of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The last use of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiKeyUse {
    /// When.
    pub at: Timestamp,
    /// From which address.
    pub ip: IpAddr,
}

/// The state of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum ApiKeyState {
    /// It is accepted.
    Active,
    /// It has a successor, and is accepted until it expires.
    Rotated,
    /// Its time is over.
    Expired,
    /// A person ended it.
    Revoked,
    /// Its row was changed by something else than the server.
    Forged,
}

impl ApiKey {
    /// The state at this time.
    #[must_use]
    pub fn state(&self, now: Timestamp) -> ApiKeyState {
        match self {
            Self { forged: Some(_), .. } => ApiKeyState::Forged,
            Self { revocation: Some(_), .. } => ApiKeyState::Revoked,
            Self { expires_at, .. } if *expires_at <= now => ApiKeyState::Expired,
            Self { successor: Some(_), .. } => ApiKeyState::Rotated,
            _ => ApiKeyState::Active,
        }
    }
}

/// A change of an API key was refused.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    /// There is none.
    #[error("no API key has this id")]
    NotFound,
    /// A setting is out of its bounds.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Too many rows.
    #[error(
        "the database has {API_KEY_ROWS_MAX} API keys with those that have ended, and no more can be created: delete the \
         oldest ended ones from the table api_keys"
    )]
    TooManyRows,
    /// Too many keys.
    #[error("{API_KEYS_MAX} API keys are valid, and no more can be created: revoke those that are not used")]
    TooMany,
    /// The first key exists.
    #[error("the database has a valid API key with the scope keys:admin: create further keys with it")]
    HasAdmin,
    /// It cannot be rotated.
    #[error("the API key is {0}: create another one")]
    Ended(ApiKeyState),
    /// It was rotated before.
    #[error("the API key has the successor {0}: rotate that one")]
    HasSuccessor(ApiKeyId),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Which keys are listed.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiKeyFilter {
    /// Created before this one.
    pub after: Option<ApiKeyId>,
    /// Valid keys that were not used since this time.
    pub unused_since: Option<Timestamp>,
}

impl Store {
    /// Creates a key.
    ///
    /// # Errors
    /// [`ApiKeyError`]; nothing is changed.
    pub async fn create_api_key(
        &self,
        settings: &ApiKeySettings,
        expires_at: Timestamp,
        secret: &ApiKeySecret,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<ApiKey, ApiKeyError> {
        settings.check(expires_at, now)?;
        self.change(&Change::Create { settings, expires_at, secret }, actor, now).await
    }

    /// Creates the first key with the scope `keys:admin`, if the database has no valid one of these modes.
    ///
    /// # Errors
    /// [`ApiKeyError`]; nothing is changed.
    pub async fn create_first_api_key(
        &self,
        settings: &ApiKeySettings,
        expires_at: Timestamp,
        secret: &ApiKeySecret,
        modes: &[KeyMode],
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<ApiKey, ApiKeyError> {
        settings.check(expires_at, now)?;
        self.change(&Change::CreateFirst { settings, expires_at, secret, modes }, actor, now).await
    }

    /// Creates the successor of a key: the same settings, and as long a validity. The key stays valid for `overlap`, and never
    /// longer than it was. The successor ends at `ends_by` at the latest.
    ///
    /// # Errors
    /// [`ApiKeyError`]; nothing is changed.
    pub async fn rotate_api_key(
        &self,
        id: ApiKeyId,
        (overlap, ends_by): (SignedDuration, Timestamp),
        secret: &ApiKeySecret,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<ApiKey, ApiKeyError> {
        if overlap.is_negative() || overlap > KEY_OVERLAP_MAX {
            let days = KEY_OVERLAP_MAX.as_hours() / 24;
            return Err(SettingError { field: "overlap", rule: format!("must be 0 to {days} days") }.into());
        }
        self.change(&Change::Rotate { id, overlap, ends_by, secret }, actor, now).await
    }

    /// Ends a key. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`ApiKeyError`]; nothing is changed.
    pub async fn revoke_api_key(
        &self,
        id: ApiKeyId,
        reason: &str,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<ApiKey, ApiKeyError> {
        if !(1..=REASON_CHARS_MAX).contains(&reason.chars().count()) || reason.chars().any(char::is_control) {
            let rule = format!("must be 1 to {REASON_CHARS_MAX} printable characters");
            return Err(SettingError { field: "reason", rule }.into());
        }
        self.change(&Change::Revoke { id, reason }, actor, now).await
    }

    /// A key.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>, Error> {
        let rows = self
            .read(Operation::ApiKeys, sql!(rows::SELECT).push_sql(" AND id = ").push_value(id.as_str()))
            .await?;
        rows.first().map(|row| self.key_of(row)).transpose()
    }

    /// Up to `rows` keys, latest first.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn api_keys(
        &self,
        filter: ApiKeyFilter,
        rows: u32,
        now: Timestamp,
    ) -> Result<Vec<ApiKey>, Error> {
        let ApiKeyFilter { after, unused_since } = filter;
        let mut statement = sql!(rows::SELECT);
        if let Some(after) = after {
            statement = statement
                .push_sql(" AND (created_at, id) < (SELECT created_at, id FROM api_keys WHERE id = ")
                .push_value(after.as_str())
                .push_sql(")");
        }
        if let Some(unused_since) = unused_since {
            statement = statement
                .push_sql(" AND revoked_at IS NULL AND expires_at > ")
                .push_value(now)
                .push_sql(" AND COALESCE(last_used_at, created_at) < ")
                .push_value(unused_since);
        }
        let statement = statement
            .push_sql(" ORDER BY created_at DESC, id DESC LIMIT ")
            .push_value(rows.clamp(1, PAGE_ROWS_MAX));
        self.read(Operation::ApiKeys, statement).await?.iter().map(|row| self.key_of(row)).collect()
    }

    /// The number of the last change of a key.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn api_key_version(&self) -> Result<i64, Error> {
        let rows = self.read(Operation::ApiKeys, sql!(VERSION)).await?;
        rows.first().ok_or(sqlx::Error::RowNotFound)?.int("version")
    }

    /// The keys that were changed after this version, and the number of the last change.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn changed_api_keys(&self, version: i64) -> Result<(i64, Vec<ApiKey>), Error> {
        let mut reader = self.shared.database.reader(Operation::KeyPoll).await?;
        let mut tx = reader.begin().await?;
        let row = tx.fetch_optional(sql!(VERSION)).await?.ok_or(sqlx::Error::RowNotFound)?;
        // At most API_KEY_ROWS_MAX.
        let rows = tx.fetch_all(sql!(rows::SELECT).push_sql(" AND version > ").push_value(version)).await?;
        // One row without an id or a digest is no key, and keeps no other key from being loaded.
        let key_of = |row| {
            self.key_of(row)
                .inspect_err(|error| tracing::error!(%error, "API key ignored: its row cannot be read"))
        };
        Ok((row.int("version")?, rows.iter().filter_map(|row| key_of(row).ok()).collect()))
    }

    /// Adds uses of keys: how many there were, and the last.
    ///
    /// # Errors
    /// [`Error`] of the database; nothing is added.
    pub async fn add_api_key_uses(&self, uses: &[(ApiKeyId, u64, ApiKeyUse)]) -> Result<(), Error> {
        let used: Result<Vec<_>, Error> = uses
            .iter()
            .map(|(id, number, last)| {
                let number = i64::try_from(*number).map_err(Error::encode)?;
                Ok(values![id.as_str(), number, last.at, last.ip.to_string()])
            })
            .collect();
        let used = used?;
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::ApiKeys).await?;
            let mut tx = writer.begin().await?;
            tx.fetch_by_keys("id, number, at, ip", used.clone(), USES).await?;
            tx.commit().await
        })
        .await
    }

    async fn change(
        &self,
        change: &Change<'_>,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<ApiKey, ApiKeyError> {
        retry(|| self.try_change(change, actor, now)).await?
    }

    /// Makes a change, and commits it with a new version and its audit entry. What is refused is not tried again.
    async fn try_change(
        &self,
        change: &Change<'_>,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<Result<ApiKey, ApiKeyError>, Error> {
        let mut writer = self.shared.database.writer(Operation::ApiKeys).await?;
        let mut tx = writer.begin().await?;
        tx.execute(sql!(NEXT_VERSION)).await?;
        let row = tx.fetch_optional(sql!(VERSION)).await?.ok_or(sqlx::Error::RowNotFound)?;
        let made_by = Author { actor, now, version: row.int("version")? };
        match self.apply(&mut tx, change, made_by).await {
            Ok((key, Some(entry))) => self.commit(tx, entry).await.map(|()| Ok(key)),
            Ok((unchanged, None)) => Ok(Ok(unchanged)),
            Err(ApiKeyError::Store(error)) => Err(error),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    async fn apply(
        &self,
        tx: &mut Transaction<'_>,
        change: &Change<'_>,
        author: Author<'_>,
    ) -> Result<(ApiKey, Option<Entry>), ApiKeyError> {
        match *change {
            Change::Create { settings, expires_at, secret } => {
                let key = new_key((settings, expires_at), secret, author);
                self.insert_key(tx, &key, author.now).await?;
                let entry = author.entry("api_keys.create", &key, &settings.audit_detail(expires_at))?;
                Ok((key, Some(entry)))
            }
            Change::CreateFirst { settings, expires_at, secret, modes } => {
                if self.has_admin(tx, modes, author.now).await? {
                    return Err(ApiKeyError::HasAdmin);
                }
                let key = new_key((settings, expires_at), secret, author);
                self.insert_key(tx, &key, author.now).await?;
                let entry = author.entry("api_keys.bootstrap", &key, &settings.audit_detail(expires_at))?;
                Ok((key, Some(entry)))
            }
            Change::Rotate { id, overlap, ends_by, secret } => {
                let (key, entry) = self.rotate(tx, id, (overlap, ends_by), secret, author).await?;
                Ok((key, Some(entry)))
            }
            Change::Revoke { id, reason } => {
                let mut key = self.key(tx, id).await?;
                if key.revocation.is_some() {
                    return Ok((key, None));
                }
                let (at, by, reason) =
                    (microseconds(author.now), author.actor.name.to_owned(), reason.to_owned());
                let entry = author.entry("api_keys.revoke", &key, &json!({ "reason": &reason }))?;
                (key.version, key.revocation) = (author.version, Some(Revocation { at, by, reason }));
                // A new proof would accept what was forged.
                let update = match key.forged {
                    None => rows::update(&key, &self.shared.key.load()),
                    Some(_) => rows::revoke_forged(&key),
                };
                tx.execute(update).await?;
                Ok((key, Some(entry)))
            }
        }
    }

    async fn rotate(
        &self,
        tx: &mut Transaction<'_>,
        id: ApiKeyId,
        (overlap, ends_by): (SignedDuration, Timestamp),
        secret: &ApiKeySecret,
        author: Author<'_>,
    ) -> Result<(ApiKey, Entry), ApiKeyError> {
        let Author { now, version, .. } = author;
        let mut key = self.key(tx, id).await?;
        match key.state(now) {
            ApiKeyState::Active => {}
            ApiKeyState::Rotated => return Err(ApiKeyError::HasSuccessor(key.successor.unwrap_or(id))),
            ended @ (ApiKeyState::Expired | ApiKeyState::Revoked | ApiKeyState::Forged) => {
                return Err(ApiKeyError::Ended(ended));
            }
        }
        let validity = key.expires_at.duration_since(key.created_at).min(KEY_VALIDITY_MAX);
        let expires_at = now.saturating_add(validity).unwrap_or(Timestamp::MAX).min(ends_by);
        let mut successor = new_key((&key.settings, expires_at), secret, author);
        successor.replaces = Some(id);
        self.insert_key(tx, &successor, now).await?;
        let valid_until = microseconds(now.saturating_add(overlap).unwrap_or(Timestamp::MAX));
        key.expires_at = key.expires_at.min(valid_until);
        (key.successor, key.version) = (Some(successor.id), version);
        tx.execute(rows::update(&key, &self.shared.key.load())).await?;
        let detail = json!({
            "successor": successor.id.as_str(), "valid_until": key.expires_at, "expires_at": expires_at,
        });
        let entry = author.entry("api_keys.rotate", &key, &detail)?;
        Ok((successor, entry))
    }

    async fn insert_key(
        &self,
        tx: &mut Transaction<'_>,
        key: &ApiKey,
        now: Timestamp,
    ) -> Result<(), ApiKeyError> {
        if tx.count(sql!(VALID, now)).await? >= API_KEYS_MAX {
            return Err(ApiKeyError::TooMany);
        }
        if tx.count(sql!(ALL)).await? >= API_KEY_ROWS_MAX {
            return Err(ApiKeyError::TooManyRows);
        }
        tx.execute(rows::insert(key, &self.shared.key.load(), tx.backend())).await?;
        Ok(())
    }

    /// Whether a server that accepts these modes has a valid key that creates others. A forged one is refused everywhere.
    async fn has_admin(
        &self,
        tx: &mut Transaction<'_>,
        modes: &[KeyMode],
        now: Timestamp,
    ) -> Result<bool, Error> {
        // At most API_KEYS_MAX. No other scope contains the text.
        let select = sql!(rows::SELECT)
            .push_sql(" AND revoked_at IS NULL AND expires_at > ")
            .push_value(now)
            .push_sql(" AND scopes LIKE ")
            .push_value(format!("%{}%", Scope::KeysAdmin));
        let rows = tx.fetch_all(select).await?;
        let mut keys = rows.iter().filter_map(|row| self.key_of(row).ok());
        Ok(keys.any(|key| key.forged.is_none() && modes.contains(&key.settings.mode)))
    }

    /// Whether one person may have the API keys of both actors: one key replaces the other, or who had one saw the other because
    /// they created it, or a key that it replaces.
    pub(crate) async fn may_be_one_person(
        &self,
        tx: &mut Transaction<'_>,
        first: &str,
        second: &str,
    ) -> Result<bool, Error> {
        let (first, second) = (self.origins(tx, first).await?, self.origins(tx, second).await?);
        let shares = |all: &Origins, line: &Origins| line.line.iter().any(|name| all.all.contains(name));
        Ok(first.is_forged || second.is_forged || shares(&first, &second) || shares(&second, &first))
    }

    async fn origins(&self, tx: &mut Transaction<'_>, actor: &str) -> Result<Origins, Error> {
        let mut origins = Origins { line: vec![actor.to_owned()], ..Origins::default() };
        origins.all.insert(actor.to_owned());
        let id = actor.strip_prefix("key:").and_then(|id| id.parse::<ApiKeyId>().ok());
        let Some(id) = id else { return Ok(origins) };
        let rows = tx.fetch_all(sql!(ORIGINS, id.as_str())).await?;
        let keys: Result<Vec<_>, _> = rows.iter().map(|row| self.key_of(row)).collect();
        let keys: HashMap<ApiKeyId, ApiKey> = keys?.into_iter().map(|key| (key.id, key)).collect();
        for key in keys.values() {
            origins.all.extend([format!("key:{}", key.id), key.created_by.clone()]);
        }
        let mut next = keys.get(&id);
        // Each key once, also if somebody made a circle.
        while let Some(key) = next.filter(|_| origins.line.len() <= keys.len()) {
            origins.is_forged |= key.forged.is_some();
            origins.line.extend(key.replaces.map(|id| format!("key:{id}")));
            next = key.replaces.and_then(|id| keys.get(&id));
        }
        Ok(origins)
    }

    async fn key(&self, tx: &mut Transaction<'_>, id: ApiKeyId) -> Result<ApiKey, ApiKeyError> {
        let row =
            tx.fetch_optional(sql!(rows::SELECT).push_sql(" AND id = ").push_value(id.as_str())).await?;
        Ok(self.key_of(&row.ok_or(ApiKeyError::NotFound)?)?)
    }

    fn key_of(&self, row: &Row) -> Result<ApiKey, Error> {
        rows::read(row, &self.shared.key.load())
    }
}

/// Where the key of an actor comes from, by the names of actors.
#[derive(Default)]
struct Origins {
    /// The key, and those that it replaces.
    line: Vec<String>,
    /// These, who created one of them, and where their keys come from.
    all: HashSet<String>,
    /// Whether a key of the line was changed in the database, so that nobody knows where it comes from.
    is_forged: bool,
}

/// A change of keys.
enum Change<'a> {
    Create {
        settings: &'a ApiKeySettings,
        expires_at: Timestamp,
        secret: &'a ApiKeySecret,
    },
    CreateFirst {
        settings: &'a ApiKeySettings,
        expires_at: Timestamp,
        secret: &'a ApiKeySecret,
        modes: &'a [KeyMode],
    },
    Rotate {
        id: ApiKeyId,
        overlap: SignedDuration,
        ends_by: Timestamp,
        secret: &'a ApiKeySecret,
    },
    Revoke {
        id: ApiKeyId,
        reason: &'a str,
    },
}

/// Who makes a change, when, and its number.
#[derive(Clone, Copy)]
struct Author<'a> {
    actor: Actor<'a>,
    now: Timestamp,
    version: i64,
}

impl Author<'_> {
    fn entry(&self, action: &str, key: &ApiKey, detail: &serde_json::Value) -> Result<Entry, Error> {
        self.actor.entry(action, &format!("api_keys/{}", key.id), detail, self.now)
    }
}

fn new_key(
    (settings, expires_at): (&ApiKeySettings, Timestamp),
    secret: &ApiKeySecret,
    Author { actor, now, version }: Author<'_>,
) -> ApiKey {
    let ApiKeySecret { id, digest, last_characters } = secret.clone();
    ApiKey {
        id,
        settings: settings.clone(),
        digest,
        last_characters,
        // As it is stored, for the proof.
        created_at: microseconds(now),
        created_by: actor.name.to_owned(),
        expires_at: microseconds(expires_at),
        revocation: None,
        replaces: None,
        successor: None,
        last_use: None,
        uses: 0,
        version,
        forged: None,
    }
}

fn microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
