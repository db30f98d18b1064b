//! API keys as they are printed, without their secrets.

use config::api_keys::NewKey;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use store::ApiKey;

use crate::console::Console;
use crate::failure::Failure;
use crate::output::OutputFormat;

/// A new key, which is printed once.
#[derive(Serialize)]
struct Created<'a> {
    key: &'a str,
    details: Value,
}

/// Prints the secret alone, for a script, and what it is for to people.
pub(super) fn print_new(
    (new, key): (&NewKey, &ApiKey),
    output: OutputFormat,
    console: &mut Console,
) -> Result<(), Failure> {
    let created = Created { key: new.expose(), details: details(key, console.now()) };
    output.print(console, "investiq.keys.created.v1", &created, |created| format!("{}\n", created.key))?;
    console.eprint(&format!(
        "API key {} is valid until {}, and is shown only this once; servers accept it within a second",
        key.id, key.expires_at
    ));
    Ok(())
}

/// Everything of a key.
pub(super) fn details(key: &ApiKey, now: Timestamp) -> Value {
    let settings = &key.settings;
    json!({
        "id": key.id.as_str(),
        "hint": hint(key),
        "name": settings.name,
        "mode": settings.mode.to_string(),
        "state": key.state(now).to_string(),
        "role": settings.role.to_string(),
        "scopes": settings.scopes.iter().map(domain::Scope::as_str).collect::<Vec<_>>(),
        "accounts": settings.accounts.items(),
        "ips": settings.ips.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "per_minute": settings.per_minute,
        "burst": settings.burst,
        "concurrency": settings.concurrency,
        "metadata": settings.metadata,
        "created_at": key.created_at,
        "created_by": key.created_by,
        "expires_at": key.expires_at,
        "revoked_at": key.revocation.as_ref().map(|revocation| revocation.at),
        "revoked_by": key.revocation.as_ref().map(|revocation| &revocation.by),
        "revocation_reason": key.revocation.as_ref().map(|revocation| &revocation.reason),
        "replaces": key.replaces.map(|id| id.to_string()),
        "successor": key.successor.map(|id| id.to_string()),
        "last_used_at": key.last_use.map(|last| last.at),
        "last_used_ip": key.last_use.map(|last| last.ip),
        "uses": key.uses,
    })
}

/// The beginning and the end of a key.
pub(super) fn hint(key: &ApiKey) -> String {
    format!("iq_{}_{}…{}", key.settings.mode, key.id, key.last_characters)
}
