//! Loads the declared secrets from the environment, from files and, if configured, from AWS Secrets Manager.

mod audit_log;
mod metrics;

use std::sync::Arc;
use std::time::Duration;

use ::secrets::aws::{SecretsManager, Settings};
use ::secrets::{self, Catalogue, ConfigError, Environment, Error, Errors, Profile, SecretHandle, Secrets};
use telemetry::Clock;

use crate::settings::Config;

pub use metrics::SecretMetrics;

/// The secrets in use, except the keys of webhook providers.
const SECRETS_IN_USE: &[&str] = &[
    "api_keys",
    "polygon_api_key",
    "database_url",
    "audit_key",
    "circle_api_key",
    "alpaca_api_key",
    "alpaca_api_secret",
];

/// The default database outside production.
const DATABASE_URL_DEFAULT: &str = "sqlite:data/investiq.db";

/// The secrets, and their metrics.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The secrets, behind handles that follow changes.
    pub secrets: Secrets,
    /// Metrics of the secrets.
    pub metrics: Arc<SecretMetrics>,
}

/// A secret is missing or invalid.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Every secret that is missing or invalid.
    #[error("loading the secrets failed: {0}")]
    Secrets(Errors),
    /// One secret cannot be read.
    #[error("reading a secret failed")]
    Secret(#[from] Error),
    /// Production has no default database.
    #[error("DATABASE_URL is not set: production requires it")]
    NoDatabaseUrl,
    /// Two metrics have one name.
    #[error("declaring the metrics of secrets failed")]
    Metrics(#[from] prometheus::Error),
}

impl Credentials {
    /// Loads every secret. AWS is called only if `SECRET_PREFIX` is set.
    ///
    /// # Errors
    /// Every secret that is missing or invalid, or settings that the profile does not allow.
    pub async fn load(config: &Config, environment: &Environment) -> Result<Self, CredentialsError> {
        if config.profile.is_strict() {
            forbid_core_dumps();
        }
        let catalogue = catalogue(config.secret_ttl);
        let metrics = Arc::new(SecretMetrics::new(catalogue.clone())?);
        let clock: secrets::Clock = Arc::new(|| Clock::System.now().into());
        let mut builder = Secrets::builder(config.profile, catalogue, Arc::clone(&clock))
            .local(environment.clone(), &config.secrets_directory)
            .using(&secrets_in_use())
            .recorder(metrics.recorder())
            .audit(audit_log::sink());
        let rejected = |error| CredentialsError::Secrets(Errors(vec![error]));
        if let Some(settings) = Settings::from_environment(environment).map_err(rejected)? {
            let manager =
                SecretsManager::connect(&settings, config.profile, clock).await.map_err(rejected)?;
            builder = builder.source(manager.recorder(metrics.recorder()).audit(audit_log::sink()));
        }
        let mut refused = ::secrets::directory_errors(&config.secrets_directory, &Catalogue::product());
        let is_listed = !matches!(refused[..], [Error::Config(ConfigError::UnlistedDirectory { .. })]);
        let built = builder.build().await;
        if !config.profile.is_strict() && (is_listed || built.is_ok()) {
            refused.drain(..).for_each(|error| tracing::warn!(%error, "a secret may be in the wrong place"));
        }
        match built {
            Ok(secrets) if refused.is_empty() => Ok(Self { secrets, metrics }),
            built => {
                // That a directory cannot be listed is the cause of all other errors.
                let errors = built.err().filter(|_| is_listed);
                refused.extend(errors.into_iter().flat_map(|errors| errors.0));
                Err(CredentialsError::Secrets(Errors(refused)))
            }
        }
    }

    /// A handle of a secret for this component.
    ///
    /// # Errors
    /// The secret is not declared.
    pub fn handle(&self, name: &str, component: &'static str) -> Result<SecretHandle, CredentialsError> {
        Ok(self.secrets.handle(name, component)?)
    }

    /// The URL of the database, and the handle that reports its changes. Outside production the default is a file in the
    /// working directory.
    ///
    /// # Errors
    /// The secret cannot be read, or production has none.
    pub fn database_url(
        &self,
        profile: Profile,
        component: &'static str,
    ) -> Result<(String, SecretHandle), CredentialsError> {
        let handle = self.handle("database_url", component)?;
        let url = match handle.load_optional()? {
            Some(set) => set.value().expose_text().unwrap_or_default().to_owned(),
            None if profile == Profile::Production => return Err(CredentialsError::NoDatabaseUrl),
            None => DATABASE_URL_DEFAULT.to_owned(),
        };
        Ok((url, handle))
    }

    /// Every accepted version of the key of the audit log, one per line and the current one first; `None` if it is not set.
    ///
    /// # Errors
    /// The secret cannot be read.
    pub fn audit_key(&self, component: &'static str) -> Result<Option<String>, CredentialsError> {
        let set = self.handle("audit_key", component)?.load_optional()?;
        Ok(set.map(|set| {
            let versions = set.accepted().map(|version| version.value().expose_text().unwrap_or_default());
            versions.collect::<Vec<_>>().join("\n")
        }))
    }
}

/// Called before the first value is read, and not in development, where a core dump is worth the risk.
fn forbid_core_dumps() {
    if let Err(error) = secrets::forbid_core_dumps() {
        tracing::warn!(%error, "core dumps cannot be disabled: a crash may write secrets to a file");
    }
}

/// The secrets in use. No others are requested from AWS, so that the policy in docs/secrets-rotation.md names exactly these.
#[must_use]
pub fn secrets_in_use() -> Vec<&'static str> {
    let keys = webhooks::PROVIDERS.iter().filter_map(|provider| provider.secret());
    SECRETS_IN_USE.iter().copied().chain(keys).collect()
}

/// The declared secrets, with the configured TTL.
fn catalogue(ttl: Duration) -> Catalogue {
    let mut catalogue = Catalogue::product();
    let names: Vec<_> = catalogue.iter().map(|spec| spec.name.clone()).collect();
    for name in names {
        if let Some(spec) = catalogue.get_mut(name.as_str()) {
            spec.ttl = ttl;
        }
    }
    catalogue
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../../docs/API.md");
    /// The files that read variables which are no secrets of the catalogue.
    const READERS: [&str; 2] =
        [include_str!("../../secrets/src/aws/settings.rs"), include_str!("../../secrets/src/environment.rs")];

    fn section() -> &'static str {
        PAGE.split_once("\n## Secrets\n").unwrap().1.split("\n## ").next().unwrap()
    }

    /// Quoted texts outside tests that look like a variable.
    fn variables_in(source: &str) -> BTreeSet<&str> {
        let code = source.split("#[cfg(test)]").next().unwrap();
        let quoted = code.split('"').skip(1).step_by(2);
        let is_variable = |text: &&str| {
            text.contains('_')
                && !text.starts_with('_')
                && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
        };
        quoted.filter(is_variable).collect()
    }

    #[test]
    fn every_declared_secret_is_in_the_page_with_its_variables_its_file_and_its_name_in_aws() {
        let catalogue = Catalogue::product();
        for spec in catalogue.iter() {
            let variables: Vec<String> = spec.variables().map(|name| format!("`{name}`")).collect();
            let (variables, leaf) = (variables.join(" "), spec.name.aws_id(""));
            let row = format!("| {variables} | `{}` | `{leaf}` | ", spec.name);
            assert!(section().contains(&row), "docs/API.md lacks {row}");
        }
        let table = section().split_once("| variable | file |").unwrap().1.split("\n\n").next().unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, catalogue.iter().count(), "docs/API.md names a secret that is not declared");
    }

    #[test]
    fn every_variable_that_locates_secrets_is_in_the_page() {
        let table = section().split_once("| variable | meaning |").unwrap().1.split("\n\n").next().unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let documented: BTreeSet<&str> = rows.collect();
        let code: BTreeSet<&str> = READERS.into_iter().flat_map(variables_in).collect();
        assert!(code.contains("SECRET_PREFIX") && code.contains("CREDENTIALS_DIRECTORY"), "{code:?}");
        assert_eq!(documented, code);
    }

    #[test]
    fn the_policy_of_the_page_names_exactly_the_secrets_in_use() {
        let page = include_str!("../../../docs/secrets-rotation.md");
        let policy = page.split_once("```json\n").unwrap().1.split("```").next().unwrap();
        // AWS adds a hyphen and six characters to a secret's name in its ARN.
        let resources = policy.lines().map(|line| line.trim().trim_end_matches(','));
        let documented =
            resources.filter_map(|line| line.split_once(":secret:prod/rail/")?.1.strip_suffix("-??????\""));
        let documented: BTreeSet<String> = documented.map(str::to_owned).collect();
        let catalogue = Catalogue::product();
        let ids = secrets_in_use().into_iter().map(|name| catalogue.get(name).unwrap().name.aws_id(""));
        let ids = ids.map(|id| id.trim_start_matches('/').to_owned());
        assert_eq!(documented, ids.chain(["rotation-announcements".to_owned()]).collect());
    }

    #[test]
    fn every_secret_has_the_configured_ttl() {
        let ttl = Duration::from_secs(7);
        assert!(catalogue(ttl).iter().all(|spec| spec.ttl == ttl));
    }
}
