//! The rows of API keys.

use std::num::NonZeroU32;

use domain::{AccountScope, KeyMode, Role, Scopes};
use jiff::Timestamp;
use serde_json::Map;

use super::settings::{ApiKeyId, ApiKeySettings};
use super::{ApiKey, ApiKeyUse, Forgery, Revocation};
use crate::database::{Backend, Row, Statement, Value, values};
use crate::error::Error;
use crate::proof::{self, Kind};

pub(super) const SELECT: &str = "SELECT * FROM api_keys WHERE TRUE";

const INSERT: &str = "INSERT INTO api_keys (id, mode, name, digest, last_characters, role, scopes, accounts, ips, per_minute, \
    burst, concurrency, metadata, created_at, created_by, expires_at, revoked_at, revoked_by, revocation_reason, replaces, \
    successor, version, proof) VALUES ";

const UPDATE: &str = "UPDATE api_keys SET expires_at = $2, revoked_at = $3, revoked_by = $4, revocation_reason = $5, \
    successor = $6, version = $7, proof = $8 WHERE id = $1";

const REVOKE_FORGED: &str = "UPDATE api_keys SET revoked_at = $2, revoked_by = $3, revocation_reason = $4, version = $5 \
    WHERE id = $1";

/// The columns that a proof covers, in their order in the table: all but those of use.
fn columns(key: &ApiKey) -> Vec<Value> {
    let ApiKey { id, settings, digest, last_characters, created_at, created_by, expires_at, .. } = key;
    let ApiKeySettings { mode, name, role, scopes, accounts, ips, per_minute, burst, concurrency, .. } =
        settings;
    let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
    let number = |limit: &Option<NonZeroU32>| limit.map(NonZeroU32::get);
    let mut columns = values![
        id.as_str(),
        mode.to_string(),
        name,
        *digest,
        last_characters,
        role.to_string(),
        scopes.to_string(),
        accounts.items().map(|items| items.join("+")),
        ips.join(" "),
        number(per_minute),
        number(burst),
        number(concurrency),
        settings.metadata_text(),
        *created_at,
        created_by,
        *expires_at,
    ];
    columns.extend(revocation(key));
    columns.extend(values![key.replaces.map(|id| id.to_string()), successor(key), key.version]);
    columns
}

fn revocation(key: &ApiKey) -> Vec<Value> {
    let revocation = key.revocation.as_ref();
    values![
        revocation.map(|revocation| revocation.at),
        revocation.map(|revocation| revocation.by.clone()),
        revocation.map(|revocation| revocation.reason.clone())
    ]
}

fn successor(key: &ApiKey) -> Option<String> {
    key.successor.map(|id| id.to_string())
}

pub(super) fn insert(key: &ApiKey, audit_key: &audit::Key, backend: Backend) -> Statement {
    let mut row = columns(key);
    row.push(proof::prove(audit_key, Kind::ApiKey, &row).into());
    Statement::insert(backend, INSERT, vec![row], "")
}

/// Writes what a rotation or a revocation changes.
pub(super) fn update(key: &ApiKey, audit_key: &audit::Key) -> Statement {
    let proof = proof::prove(audit_key, Kind::ApiKey, &columns(key));
    let mut row = values![key.id.as_str(), key.expires_at];
    row.extend(revocation(key));
    row.extend(values![successor(key), key.version, proof]);
    Statement::new(UPDATE, row)
}

/// Writes a revocation alone: the row keeps its proof, which does not match.
pub(super) fn revoke_forged(key: &ApiKey) -> Statement {
    let mut row = values![key.id.as_str()];
    row.extend(revocation(key));
    row.extend(values![key.version]);
    Statement::new(REVOKE_FORGED, row)
}

/// The key of a row. A row that cannot be read is a forged key.
///
/// # Errors
/// The row has no valid id, digest or version.
pub(super) fn read(row: &Row, audit_key: &audit::Key) -> Result<ApiKey, Error> {
    let (id, version) = (row.parsed::<ApiKeyId>("id")?, row.int("version")?);
    let digest = row.bytes("digest")?.try_into().map_err(|_| Error::decode("digest"))?;
    let checked = read_all(row, id, digest, version).and_then(|key| {
        let proof = row.bytes("proof")?;
        let checked = proof::check(audit_key, Kind::ApiKey, &columns(&key), Some(&proof));
        Ok(ApiKey { forged: checked.err().map(Forgery::Proof), ..key })
    });
    Ok(checked.unwrap_or_else(|_| unreadable(row, id, digest, version)))
}

/// What can be shown of a key that may do nothing.
fn unreadable(row: &Row, id: ApiKeyId, digest: [u8; 32], version: i64) -> ApiKey {
    let text = |column| row.text(column).unwrap_or_default();
    let time = |column| row.time(column).unwrap_or(Timestamp::UNIX_EPOCH);
    ApiKey {
        id,
        settings: ApiKeySettings {
            mode: row.parsed("mode").unwrap_or(KeyMode::Test),
            name: text("name"),
            role: Role::Viewer,
            scopes: Scopes::default(),
            accounts: AccountScope::NONE,
            ips: Vec::new(),
            per_minute: None,
            burst: None,
            concurrency: None,
            metadata: Map::new(),
        },
        digest,
        last_characters: text("last_characters"),
        created_at: time("created_at"),
        created_by: text("created_by"),
        expires_at: time("expires_at"),
        revocation: read_revocation(row).unwrap_or_default(),
        replaces: row.optional_parsed("replaces").unwrap_or_default(),
        successor: row.optional_parsed("successor").unwrap_or_default(),
        last_use: None,
        uses: row.number("uses").unwrap_or_default(),
        version,
        forged: Some(Forgery::Unreadable),
    }
}

fn read_revocation(row: &Row) -> Result<Option<Revocation>, Error> {
    let Some(at) = row.optional_time("revoked_at")? else { return Ok(None) };
    Ok(Some(Revocation { at, by: row.text("revoked_by")?, reason: row.text("revocation_reason")? }))
}

fn read_all(row: &Row, id: ApiKeyId, digest: [u8; 32], version: i64) -> Result<ApiKey, Error> {
    let list = row.optional_text("accounts")?;
    let accounts = list.map(|list| AccountScope::from_items(&items(&list, '+')));
    let ips = row.text("ips")?;
    let ips: Result<_, _> = ips.split_ascii_whitespace().map(str::parse).collect();
    let limit = |column| match row.optional_int(column)? {
        Some(_) => row.number::<u32>(column).map(NonZeroU32::new),
        None => Ok(None),
    };
    let metadata = serde_json::from_str(&row.text("metadata")?);
    let last_use = row.optional_time("last_used_at")?;
    let last_use = last_use.map(|at| Ok::<_, Error>(ApiKeyUse { at, ip: row.parsed("last_used_ip")? }));
    Ok(ApiKey {
        id,
        settings: ApiKeySettings {
            mode: row.parsed("mode")?,
            name: row.text("name")?,
            role: row.parsed("role")?,
            scopes: row.parsed("scopes")?,
            accounts: accounts.unwrap_or(Ok(AccountScope::All)).map_err(|_| Error::decode("accounts"))?,
            ips: ips.map_err(|_| Error::decode("ips"))?,
            per_minute: limit("per_minute")?,
            burst: limit("burst")?,
            concurrency: limit("concurrency")?,
            metadata: metadata.map_err(|_| Error::decode("metadata"))?,
        },
        digest,
        last_characters: row.text("last_characters")?,
        created_at: row.time("created_at")?,
        created_by: row.text("created_by")?,
        expires_at: row.time("expires_at")?,
        revocation: read_revocation(row)?,
        replaces: row.optional_parsed("replaces")?,
        successor: row.optional_parsed("successor")?,
        last_use: last_use.transpose()?,
        uses: row.number("uses")?,
        version,
        forged: None,
    })
}

fn items(list: &str, separator: char) -> Vec<&str> {
    list.split(separator).filter(|item| !item.is_empty()).collect()
}
