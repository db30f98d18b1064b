//! Where a secret is looked for, in the words of messages.

use secrets::{Catalogue, Environment, Profile, SecretSpec};
use store::{DatabaseUrl, audit_key_path};

use crate::settings::Config;

/// Every source that a lookup asks, in order.
#[must_use]
pub fn secret_sources(spec: &SecretSpec, config: &Config, environment: &Environment) -> Vec<String> {
    let variables = spec.variables().map(|variable| format!("{variable} or {variable}_FILE"));
    let file = config.secrets_directory.join(spec.name.as_str()).display().to_string();
    let systemd =
        environment.get("CREDENTIALS_DIRECTORY").map(|directory| format!("{directory}/{}", spec.name));
    let aws = environment.get("SECRET_PREFIX").map(|prefix| format!("AWS {}", spec.name.aws_id(prefix)));
    variables.chain([file]).chain(systemd).chain(aws).collect()
}

/// The same as one text; empty for a secret that is not declared.
pub(crate) fn joined_sources(name: &str, config: &Config, environment: &Environment) -> String {
    let catalogue = Catalogue::product();
    let spec = catalogue.get(name).into_iter();
    spec.flat_map(|spec| secret_sources(spec, config, environment)).collect::<Vec<_>>().join(", then ")
}

/// Where a missing audit key was looked for, and what to do.
#[must_use]
pub fn missing_audit_key(config: &Config, environment: &Environment, url: &DatabaseUrl) -> String {
    let sources = joined_sources("audit_key", config, environment);
    let beside = url.sqlite_file().filter(|_| config.profile != Profile::Production);
    let beside = beside.map(|file| format!(", then {}", audit_key_path(file).display()));
    format!(
        "looked in {sources}{}; set SECRETS_DIR to the directory that has it, or add it to the secret audit_key, on a line after the newer keys",
        beside.unwrap_or_default()
    )
}
