//! Finds every secret that the product declares: in the environment, in files, and in AWS where that is asked for.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use ::secrets::aws::{SecretsManager, Settings};
use ::secrets::{self, Catalogue, Problems, Profile, Secrets};

use super::Error;
use crate::clock::Clock;
use crate::config::{Config, Environment};
use crate::secret_audit;
use crate::secret_metrics::SecretMetrics;

/// The secrets that this server takes handles of. AWS is asked for these and no others, so that a policy can name exactly
/// them: docs/secrets-rotation.md shows it.
const USED: &[&str] = &[
    "api_keys",
    "polygon_api_key",
    "database_url",
    "audit_key",
    "alpaca_webhook_secret",
    "bridge_webhook_secret",
    "circle_api_key",
    "alpaca_api_key",
    "alpaca_api_secret",
];

/// Every secret, and what is counted of them.
#[derive(Clone, Debug)]
pub struct Found {
    /// The secrets.
    pub secrets: Secrets,
    /// What is counted.
    pub metrics: Arc<SecretMetrics>,
}

/// Finds every secret. Without `SECRET_PREFIX` nobody wants AWS, and nothing outside this machine is asked.
///
/// # Errors
/// Every secret that is broken or missing, or settings that the profile does not allow.
pub async fn find(config: &Config, environment: &Environment) -> Result<Found, Error> {
    let profile = Profile::named(Some(config.profile.as_str()));
    if profile.is_strict() {
        forbid_core_dumps();
    }
    let catalogue = catalogue(config.secret_ttl);
    let metrics = Arc::new(SecretMetrics::new(catalogue.clone())?);
    let clock: secrets::Clock = Arc::new(|| Clock::System.now().into());
    let mut builder = Secrets::builder(profile, catalogue, Arc::clone(&clock))
        .local(variables(environment), &config.secrets_directory)
        .using(USED)
        .listen_on(config.bind_address)
        .recorder(metrics.recorder())
        .audit(secret_audit::sink());
    let settings = Settings::from_environment(&variables(environment)).map_err(refused)?;
    if let Some(settings) = settings {
        let manager = SecretsManager::connect(&settings, profile, clock).await.map_err(refused)?;
        builder = builder.provider(manager.recorder(metrics.recorder()).audit(secret_audit::sink()));
    }
    let secrets = builder.build().await.map_err(Error::Secrets)?;
    Ok(Found { secrets, metrics })
}

/// Before the first value is read. On a developer's machine a core is worth more than what it may tell.
fn forbid_core_dumps() {
    if let Err(error) = secrets::forbid_core_dumps() {
        tracing::warn!(%error, "a crash may write secrets into a core file");
    }
}

fn variables(environment: &Environment) -> secrets::Environment {
    let variables = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    secrets::Environment::new(variables)
}

/// What the product declares, each as fresh as this server is told to keep it.
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

fn refused(error: secrets::Error) -> Error {
    Error::Secrets(Problems(vec![error]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../../../docs/API.md");
    /// Where variables are named that are no secrets of the catalogue.
    const READERS: [&str; 2] = [
        include_str!("../../../secrets/src/aws/settings.rs"),
        include_str!("../../../secrets/src/environment.rs"),
    ];

    fn section() -> &'static str {
        PAGE.split_once("\n## Secrets\n").unwrap().1.split("\n## ").next().unwrap()
    }

    /// Quoted texts before the tests that look like a variable.
    fn variables_read(source: &str) -> BTreeSet<&str> {
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
    fn every_declared_secret_stands_in_the_page_with_its_variables_its_file_and_its_place_in_aws() {
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
    fn every_variable_that_says_where_secrets_are_stands_in_the_page() {
        let table = section().split_once("| variable | meaning |").unwrap().1.split("\n\n").next().unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
        let named: BTreeSet<&str> = rows.collect();
        let read: BTreeSet<&str> = READERS.into_iter().flat_map(variables_read).collect();
        assert!(read.contains("SECRET_PREFIX") && read.contains("CREDENTIALS_DIRECTORY"), "{read:?}");
        assert_eq!(named, read);
    }

    #[test]
    fn the_policy_of_the_page_names_the_secrets_that_are_used_and_no_others() {
        let page = include_str!("../../../../docs/secrets-rotation.md");
        let policy = page.split_once("```json\n").unwrap().1.split("```").next().unwrap();
        // AWS adds a hyphen and six characters to a secret's name in its ARN.
        let resources = policy.lines().map(|line| line.trim().trim_end_matches(','));
        let named =
            resources.filter_map(|line| line.split_once(":secret:prod/rail/")?.1.strip_suffix("-??????\""));
        let named: BTreeSet<String> = named.map(str::to_owned).collect();
        let catalogue = Catalogue::product();
        let used = USED.iter().map(|name| catalogue.get(name).unwrap().name.aws_id(""));
        let used: BTreeSet<String> = used.map(|id| id.trim_start_matches('/').to_owned()).collect();
        assert_eq!(named, used.into_iter().chain(["rotation-announcements".to_owned()]).collect());
    }

    #[test]
    fn every_secret_is_as_fresh_as_this_server_keeps_it() {
        let ttl = Duration::from_secs(7);
        assert!(catalogue(ttl).iter().all(|spec| spec.ttl == ttl));
    }
}
