//! Everything that a start of the server depends on: settings, secrets, and the place of the database.
//!
//! The server starts exactly if nothing is found here, and `investiq config check --resolve` calls the same function. It
//! reports everything at once, creates no file and binds no address.

use std::fmt;
use std::time::Duration;

use secrets::aws::SecretsManager;
use secrets::{ConfigError, Environment, Error, Notice, PolicyViolation, Profile};
use store::{DatabaseUrl, OpenError, find_audit_key};
use telemetry::with_causes;
use webhooks::{Keys, PROVIDERS, Proof};

use crate::api_keys::{KeySet, estimated_bits};
use crate::check::{Finding, Severity, setting_error};
use crate::credentials::{self, Credentials, CredentialsError, SecretLookup};
use crate::secret_sources::{joined_sources, missing_audit_key};
use crate::settings::Config;

/// Names this component in the metrics of secrets.
const COMPONENT: &str = "start";
const API_KEYS: &str = "api_keys";
const DATABASE_URL: &str = "database_url";
const REDIS_PASSWORD: &str = "redis_password";

/// Which databases are opened by a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connect {
    /// A file only, if it exists.
    ToFiles,
    /// A database server, too.
    ToServers,
}

/// What the server starts with.
#[derive(Debug)]
pub struct Start {
    /// The settings.
    pub config: Config,
    /// The secrets.
    pub credentials: Credentials,
    /// The database.
    pub database: DatabaseUrl,
}

/// The result of a check of everything.
pub struct StartCheck {
    /// The settings, with placeholders for those that are invalid.
    pub config: Config,
    /// The secrets; `None` if none could be looked up.
    pub secrets: Option<SecretCheck>,
    database: Option<DatabaseUrl>,
    faults: Vec<Finding>,
}

/// The result of a check of the secrets alone.
pub struct SecretCheck {
    /// The secrets as they were found; for inspection only, if there are faults.
    pub credentials: Credentials,
    /// Secrets that are missing or invalid, and values that are not what their user needs.
    pub faults: Vec<Finding>,
    /// Signs of a value in the wrong place, in development: elsewhere they are faults.
    pub misplaced: Vec<Finding>,
    /// Problems of secrets that were accepted.
    pub notices: Vec<Notice>,
    /// AWS, if it is configured.
    pub manager: Option<SecretsManager>,
}

/// Everything that prevents a start.
#[derive(Debug, thiserror::Error)]
pub struct Faults(Vec<Finding>);

/// Bits of the secret that creates the first API key.
const BOOTSTRAP_BITS_MIN: f64 = 128.0;
const BOOTSTRAP_TOKEN: &str = "admin_bootstrap_token";

/// Checks everything that a start with this environment depends on.
pub async fn check(environment: &Environment, connect: Connect) -> StartCheck {
    let (config, errors) = crate::load_all(environment);
    let mut faults: Vec<Finding> = errors.iter().map(setting_error).collect();
    faults.extend(certificates_error(&config));
    let mut checked = StartCheck { config, secrets: None, database: None, faults };
    match check_secrets(&checked.config, environment).await {
        Ok(secrets) => {
            checked.faults.extend(secrets.faults.iter().cloned());
            let (database, found) =
                database(&secrets.credentials, &checked.config, environment, connect).await;
            checked.faults.extend(found);
            if checked.faults.iter().any(is_missing_keys)
                && has_api_keys(&checked.config, database.as_ref(), connect).await
            {
                checked.faults.retain(|fault| !is_missing_keys(fault));
            }
            (checked.database, checked.secrets) = (database, Some(secrets));
        }
        Err(error) => {
            checked.faults.push(Finding::new(Severity::Error, "secrets", "secrets", with_causes(&error)));
        }
    }
    checked
}

/// Whether the secret `api_keys` is required and has no key.
fn is_missing_keys(fault: &Finding) -> bool {
    (fault.rule, &*fault.subject) == ("missing", API_KEYS)
}

/// Whether the database has API keys, so that none need to be in the secret.
async fn has_api_keys(config: &Config, database: Option<&DatabaseUrl>, connect: Connect) -> bool {
    let may_open = |url: &&DatabaseUrl| url.sqlite_file().is_some() || connect == Connect::ToServers;
    let Some(url) = database.filter(may_open) else { return false };
    // What it cannot say was reported when it was opened.
    store::has_api_keys(&config.store(url.clone())).await.unwrap_or(false)
}

/// Every client of the server needs certificate authorities, whether it is used or not.
fn certificates_error(config: &Config) -> Option<Finding> {
    let error = outbound::client_builder(Duration::ZERO, &config.proxy).build().err()?;
    let message = format!(
        "the certificate authorities of this system cannot be loaded: {}; install ca-certificates, or correct SSL_CERT_FILE and SSL_CERT_DIR",
        with_causes(&error)
    );
    Some(Finding::new(Severity::Error, "certificates", "outbound", message))
}

/// Checks the secrets alone.
///
/// # Errors
/// No secret could be looked up.
pub async fn check_secrets(
    config: &Config,
    environment: &Environment,
) -> Result<SecretCheck, CredentialsError> {
    let SecretLookup { credentials, errors, misplaced, notices, manager } =
        credentials::look_up(config, environment).await?;
    let faults = errors.iter().map(secret_error).chain(value_errors(&credentials, config, environment));
    let faults = faults.collect();
    let misplaced = misplaced.iter().map(secret_error).map(Finding::into_warning).collect();
    Ok(SecretCheck { credentials, faults, misplaced, notices, manager })
}

impl StartCheck {
    /// Everything that is wrong: what prevents the start, and `advice`, which never does.
    #[must_use]
    pub fn findings(&self, advice: impl IntoIterator<Item = Finding>) -> Vec<Finding> {
        let advice = advice.into_iter().map(Finding::into_warning);
        self.faults.iter().cloned().chain(advice).collect()
    }

    /// What the server starts with.
    ///
    /// # Errors
    /// Everything that prevents the start.
    pub fn into_start(self) -> Result<Start, Faults> {
        let Self { config, secrets, database, faults } = self;
        match (secrets, database) {
            (Some(SecretCheck { credentials, .. }), Some(database)) if faults.is_empty() => {
                Ok(Start { config, credentials, database })
            }
            (_, _) => Err(Faults(faults)),
        }
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} error(s):", self.0.len())?;
        self.0.iter().try_for_each(|finding| write!(out, "\n  {finding}"))
    }
}

/// An error of a secret. The server does not start with it.
fn secret_error(error: &Error) -> Finding {
    let (rule, subject) = match error {
        Error::NotFound { name, .. } => ("missing", name.as_str()),
        Error::Ambiguous { name, .. } => ("ambiguous", name.as_str()),
        Error::AccessDenied { name, .. } => ("access_denied", name.as_str()),
        Error::Invalid { name, .. } => ("invalid", name.as_str()),
        Error::Policy { name, violation, .. } => (policy_rule(violation), name.as_str()),
        Error::Unavailable { name, .. } => ("unavailable", name.as_str()),
        Error::Config(
            ConfigError::NoDirectory { .. }
            | ConfigError::WritableDirectory { .. }
            | ConfigError::UnlistedDirectory { .. }
            | ConfigError::UnknownFile { .. },
        ) => ("misplaced", "secrets"),
        other => (other.kind().as_str(), "secrets"),
    };
    Finding::new(Severity::Error, rule, subject, error.to_string())
}

/// The identifier of a policy.
#[must_use]
pub fn policy_rule(violation: &PolicyViolation) -> &'static str {
    match violation {
        PolicyViolation::Placeholder => "placeholder",
        PolicyViolation::PublishedExample => "example",
        PolicyViolation::RepeatedPattern => "repeated",
        PolicyViolation::Sequential => "sequential",
        PolicyViolation::Weak { .. } => "weak",
        PolicyViolation::Reused { .. } => "reused",
        PolicyViolation::SourceNotAllowed => "source",
        _ => "policy",
    }
}

/// Values that were found and are not what their user needs. The server does not start with them.
fn value_errors(credentials: &Credentials, config: &Config, environment: &Environment) -> Vec<Finding> {
    let mut errors = api_key_errors(credentials, config, environment);
    errors.extend(text(credentials, BOOTSTRAP_TOKEN).and_then(|token| bootstrap_error(&token)));
    errors.extend(redis_error(credentials, config, environment));
    let webhooks = PROVIDERS.iter().filter_map(|provider| match provider.proof {
        Proof::Keys { secret, .. } => Some(secret),
        Proof::Circle => None,
    });
    errors.extend(webhooks.chain([DATABASE_URL]).filter_map(|name| {
        let error = value_error(name, &text(credentials, name)?)?;
        Some(invalid(name, error))
    }));
    errors
}

/// Without a password, no user is sent to Redis, which uses its default user.
fn redis_error(credentials: &Credentials, config: &Config, environment: &Environment) -> Option<Finding> {
    let user = config.redis.endpoint()?.user?;
    // A password that was found and cannot be read was reported by its lookup.
    let handle = credentials.handle(REDIS_PASSWORD, COMPONENT).ok()?;
    let is_missing = handle.load_optional().is_ok_and(|set| set.is_none());
    let sources = joined_sources(REDIS_PASSWORD, config, environment);
    let message = format!(
        "is not set, and the user of Redis is {user}: looked in {sources}; set REDIS_PASSWORD, or remove the user"
    );
    is_missing.then(|| Finding::new(Severity::Error, "missing", REDIS_PASSWORD, message))
}

/// The token is a key to everything, and what a person chooses is guessed.
fn bootstrap_error(token: &str) -> Option<Finding> {
    let is_weak = estimated_bits(token) < BOOTSTRAP_BITS_MIN;
    let message = "is weak: at least 128 bits are required, such as 43 random letters and digits (openssl rand -hex 32)";
    is_weak.then(|| Finding::new(Severity::Error, "weak", BOOTSTRAP_TOKEN, message.to_owned()))
}

/// Why the value of this secret is no database URL, or not what its provider's deliveries are verified with; `None` for
/// other secrets.
#[must_use]
pub fn value_error(name: &str, text: &str) -> Option<String> {
    if name == DATABASE_URL {
        return text.parse::<DatabaseUrl>().err().map(|error| error.to_string());
    }
    PROVIDERS.iter().find_map(|provider| match provider.proof {
        Proof::Keys { secret, format, .. } if secret == name => {
            Keys::parse(format, text).err().map(|error| error.to_string())
        }
        Proof::Keys { .. } | Proof::Circle => None,
    })
}

fn api_key_errors(credentials: &Credentials, config: &Config, environment: &Environment) -> Vec<Finding> {
    const NAME: &str = API_KEYS;
    let has_bootstrap_token = text(credentials, BOOTSTRAP_TOKEN).is_some();
    let Ok(set) = credentials.handle(NAME, COMPONENT).and_then(|handle| Ok(handle.load_optional()?)) else {
        return Vec::new();
    };
    let text = set.as_ref().and_then(|set| set.value().expose_text()).unwrap_or_default();
    match KeySet::check(text) {
        Ok(keys) if keys.is_empty() && config.keys_required && !has_bootstrap_token => {
            let sources = joined_sources(NAME, config, environment);
            let message = format!(
                "is not set, and REQUIRE_AUTH is true: looked in {sources}; run `investiq secrets init`, set API_KEYS, or create a key with `investiq keys create`"
            );
            vec![Finding::new(Severity::Error, "missing", NAME, message)]
        }
        Ok(_) => Vec::new(),
        Err(errors) => errors
            .0
            .iter()
            .map(|error| Finding::new(Severity::Error, NAME, NAME, error.to_string()))
            .collect(),
    }
}

/// The value of a secret that was found.
fn text(credentials: &Credentials, name: &str) -> Option<String> {
    let set = credentials.handle(name, COMPONENT).ok()?.load_optional().ok()??;
    set.value().expose_text().map(str::to_owned)
}

/// The URL of the database, and why the database cannot be opened.
async fn database(
    credentials: &Credentials,
    config: &Config,
    environment: &Environment,
    connect: Connect,
) -> (Option<DatabaseUrl>, Vec<Finding>) {
    let profile = config.profile;
    let text = match credentials.database_url(profile, COMPONENT) {
        Ok((text, _handle)) => text,
        // The lookup has reported it.
        Err(CredentialsError::Secret(_)) => return (None, Vec::new()),
        Err(error) => {
            let message = format!("{error}; looked in {}", joined_sources(DATABASE_URL, config, environment));
            return (None, vec![Finding::new(Severity::Error, "missing", DATABASE_URL, message)]);
        }
    };
    // The check of the secrets has reported it.
    let Ok(url) = text.parse::<DatabaseUrl>() else { return (None, Vec::new()) };
    if let Err(error) = url.check_files() {
        return (None, vec![invalid(DATABASE_URL, error.to_string())]);
    }
    let key = match credentials.audit_key(COMPONENT) {
        Ok(secret) => find_audit_key(secret.as_deref(), &url, profile == Profile::Production),
        Err(_) => return (Some(url), Vec::new()),
    };
    let key = match key {
        Ok(key) => key,
        Err(error) => return (Some(url), vec![invalid("audit_key", with_causes(&error))]),
    };
    if url.sqlite_file().is_none() && connect == Connect::ToFiles {
        return (Some(url), Vec::new());
    }
    let error = store::check_open(&config.store(url.clone()), key.as_ref()).await.err();
    let missing_key = || missing_audit_key(config, environment, &url);
    let finding = error.map(|error| open_error(&error, missing_key));
    (Some(url), finding.into_iter().collect())
}

fn open_error(error: &OpenError, missing_key: impl FnOnce() -> String) -> Finding {
    let message = with_causes(error);
    let OpenError::Audit(store::Error::Chain(audit::ChainError::UnknownKey { .. })) = error else {
        return Finding::new(Severity::Error, "database", DATABASE_URL, message);
    };
    Finding::new(Severity::Error, "audit_key", "audit_key", format!("{message}; {}", missing_key()))
}

fn invalid(name: &str, message: String) -> Finding {
    Finding::new(Severity::Error, "invalid", name, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_user_of_redis_without_a_password_stops_the_start() {
        for (variables, is_missing) in [
            (&[("REDIS_URL", "redis://investiq@redis")][..], true),
            (&[("REDIS_HOST", "redis"), ("REDIS_USER", "investiq")], true),
            (
                &[("REDIS_URL", "redis://investiq@redis"), ("REDIS_PASSWORD", "a-password-of-redis-8361")],
                false,
            ),
            (&[("REDIS_URL", "redis://redis")], false),
        ] {
            let environment: Environment = variables.iter().copied().collect();
            let found = check(&environment, Connect::ToFiles).await.findings([]);
            let of_redis = found.iter().find(|finding| finding.subject == REDIS_PASSWORD);
            assert_eq!(of_redis.is_some(), is_missing, "{variables:?}: {found:?}");
        }
    }

    #[tokio::test]
    async fn a_database_url_that_the_server_cannot_use_is_reported_once_without_a_connection() {
        for (url, expected) in [
            ("postgresql+asyncpg://u:p4ssw0rd@db/app", "must begin with sqlite: or postgres://"),
            ("postgres://u:p4ssw0rd@db:1:2/app", "the port"),
            (
                "postgres://u:p4ssw0rd@db/app?sslmode=verify-ca&sslrootcert=/nx",
                "sslrootcert in the postgres:// URL names /nx",
            ),
        ] {
            let environment: Environment = [("DATABASE_URL", url)].into_iter().collect();
            let found = check(&environment, Connect::ToFiles).await.findings([]);
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            let of_url: Vec<_> = found.iter().filter(|text| text.starts_with(DATABASE_URL)).collect();
            assert!(of_url.len() == 1 && of_url[0].contains(expected), "{url}: {found:?}");
            assert!(!of_url[0].contains("p4ssw0rd"), "{found:?}");
        }
    }
}
