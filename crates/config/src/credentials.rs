//! Loads the declared secrets from the environment, from files and, if configured, from AWS Secrets Manager.

mod audit_log;
mod metrics;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ::secrets::aws::{self, SecretsManager, Settings};
use ::secrets::{
    self, Catalogue, ConfigError, Environment, Error, Errors, Event, Notice, Profile, Recorder, SecretHandle,
    SecretValue, Secrets,
};
use outbound::Proxy;
use telemetry::Clock;

use crate::settings::{Config, OWN_SECRETS_DIRECTORY};

pub use metrics::SecretMetrics;

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
        let SecretLookup { credentials, errors, .. } = look_up(config, environment).await?;
        if errors.is_empty() { Ok(credentials) } else { Err(CredentialsError::Secrets(Errors(errors))) }
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
        let Some(set) = self.handle("audit_key", component)?.load_optional()? else { return Ok(None) };
        let versions = set.accepted().map(|version| version.value().expose_text().unwrap_or_default());
        Ok(Some(versions.collect::<Vec<_>>().join("\n")))
    }
}

/// Secrets that were looked up, with what is wrong with them.
pub(crate) struct SecretLookup {
    pub(crate) credentials: Credentials,
    pub(crate) errors: Vec<Error>,
    /// Signs of a value in the wrong place, in development: elsewhere they are errors.
    pub(crate) misplaced: Vec<Error>,
    pub(crate) notices: Vec<Notice>,
    /// AWS, if it is configured and the profile allows its endpoint.
    pub(crate) manager: Option<SecretsManager>,
}

/// Looks up every secret. With errors, the secrets are for inspection only.
pub(crate) async fn look_up(
    config: &Config,
    environment: &Environment,
) -> Result<SecretLookup, CredentialsError> {
    if config.profile.is_strict() {
        forbid_core_dumps();
    }
    let catalogue = catalogue(config.secret_ttl, config.secret_grace);
    let metrics = Arc::new(SecretMetrics::new(catalogue.clone())?);
    let clock: secrets::Clock = Arc::new(|| Clock::System.now().into());
    let (recorder, notices) = collect_notices(metrics.recorder());
    let mut builder = Secrets::builder(config.profile, catalogue, Arc::clone(&clock))
        .local(environment.clone(), &config.secrets_directory)
        .recorder(recorder)
        .audit(audit_log::sink());
    let manager = connect(config, environment, clock).await;
    let (manager, refused) = match manager {
        Ok(manager) => (manager, None),
        Err(error) => (None, Some(error)),
    };
    if let Some(manager) = manager.clone() {
        builder = builder.source(manager.recorder(metrics.recorder()).audit(audit_log::sink()));
    }
    let (secrets, errors) = builder.inspect().await.map_err(CredentialsError::Secrets)?;
    let directory = &config.secrets_directory;
    let has_default = directory == Path::new(OWN_SECRETS_DIRECTORY) && !directory.exists();
    let mut misplaced = match has_default {
        true => Vec::new(),
        false => secrets::directory_errors(directory, &Catalogue::product()),
    };
    let mut errors = errors.0;
    let is_listed = !matches!(misplaced[..], [Error::Config(ConfigError::UnlistedDirectory { .. })]);
    if !is_listed && !errors.is_empty() {
        // That the directory cannot be listed is the cause of all other errors.
        errors = std::mem::take(&mut misplaced);
    } else if config.profile.is_strict() {
        errors.append(&mut misplaced);
    }
    for error in &misplaced {
        tracing::warn!(%error, "a secret may be in the wrong place");
    }
    errors.extend(refused);
    let credentials = Credentials { secrets, metrics };
    Ok(SecretLookup { credentials, errors, misplaced, notices: notices(), manager })
}

async fn connect(
    config: &Config,
    environment: &Environment,
    clock: secrets::Clock,
) -> Result<Option<SecretsManager>, Error> {
    match Settings::from_environment(environment)? {
        Some(mut settings) => {
            // With an invalid proxy, AWS is not called.
            let proxy = crate::outbound_proxy(environment);
            settings.proxy = aws_proxy(&proxy.map_err(|_reported| Error::Config(ConfigError::Proxy))?);
            SecretsManager::connect(&settings, config.profile, clock).await.map(Some)
        }
        None => Ok(None),
    }
}

/// A proxy as `secrets` takes it.
#[must_use]
pub fn aws_proxy(proxy: &Proxy) -> Option<aws::Proxy> {
    let (url, exceptions) = proxy.route()?;
    Some(aws::Proxy { url: SecretValue::from_string(url.to_owned()), exceptions })
}

/// A recorder that also collects notices, and a function that returns them.
pub fn collect_notices(next: Recorder) -> (Recorder, impl Fn() -> Vec<Notice>) {
    let collected = Arc::new(Mutex::new(Vec::new()));
    let notices = Arc::clone(&collected);
    let recorder: Recorder = Arc::new(move |event: &Event| {
        if let Event::Notice(notice) = event {
            collected.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
        }
        next(event);
    });
    (recorder, move || notices.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Called before the first value is read, and not in development, where a core dump is worth the risk.
fn forbid_core_dumps() {
    if let Err(error) = secrets::forbid_core_dumps() {
        tracing::warn!(%error, "core dumps cannot be disabled: a crash may write secrets to a file");
    }
}

/// The declared secrets, with the configured TTL and grace.
fn catalogue(ttl: Duration, grace: Duration) -> Catalogue {
    let mut catalogue = Catalogue::product();
    let names: Vec<_> = catalogue.iter().map(|spec| spec.name.clone()).collect();
    for name in names {
        if let Some(spec) = catalogue.get_mut(name.as_str()) {
            (spec.ttl, spec.grace) = (ttl, grace);
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
    fn the_policy_of_the_page_names_exactly_the_declared_secrets() {
        let page = include_str!("../../../docs/secrets-rotation.md");
        let policy = page.split_once("```json\n").unwrap().1.split("```").next().unwrap();
        // AWS adds a hyphen and six characters to a secret's name in its ARN.
        let resources = policy.lines().map(|line| line.trim().trim_end_matches(','));
        let documented =
            resources.filter_map(|line| line.split_once(":secret:prod/rail/")?.1.strip_suffix("-??????\""));
        let documented: BTreeSet<String> = documented.map(str::to_owned).collect();
        let ids = Catalogue::product().iter().map(|spec| spec.name.aws_id("")).collect::<Vec<_>>();
        assert_eq!(documented, ids.into_iter().chain(["rotation-announcements".to_owned()]).collect());
    }

    #[test]
    fn every_secret_has_the_configured_ttl_and_grace() {
        let (ttl, grace) = (Duration::from_secs(7), Duration::from_secs(11));
        assert!(catalogue(ttl, grace).iter().all(|spec| (spec.ttl, spec.grace) == (ttl, grace)));
    }
}
