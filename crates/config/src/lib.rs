//! The configuration of every binary: `configs/config.yaml`, then the profile's file, then the environment.
//!
//! Loaded once at startup. Unknown keys are rejected, and **all** errors are reported at once, each with its path and source.
//! No error repeats a value, which may be a misplaced secret. [`Config`] contains no secret but the password of a proxy: [`Credentials`] loads them,
//! and [`api_keys`] parses the list of API keys.

pub mod api_keys;
pub mod check;
mod credentials;
mod dotenv;
mod error;
mod file;
mod reader;
mod rules;
mod secret_sources;
mod setting;
mod settings;
pub mod start;
mod unsupported_vars;

use std::path::{Path, PathBuf};

pub use credentials::{Credentials, CredentialsError, SecretMetrics, aws_proxy, collect_notices};
pub use dotenv::{DotenvError, with_dotenv};
pub use error::{Error, Errors, Warning};
pub use secret_sources::{missing_audit_key, secret_sources};
pub use secrets::{Environment, Profile};
pub use setting::Setting;
pub use settings::{
    AlpacaEvents, BanMode, Bans, ClientAddressHeader, Config, Connections, HostPort, Http, Logs, MarketData,
    MetricsAccess, Polygon, Redis, RedisEndpoint, ResponseCache, Traces, WebhookLimits, Webhooks,
};

use outbound::Proxy;
use webhooks::{PROVIDERS, ProviderDeclaration, SettingValue};

use file::{Files, RawValue};
use reader::Reader;

/// The variable that names the directory of the configuration files.
pub const DIRECTORY_VARIABLE: &str = "INVESTIQ_CONFIG_DIR";
/// The variable that names the profile.
pub const PROFILE_VARIABLE: &str = "INVESTIQ_PROFILE";

/// The default directory of the configuration files. If it does not exist, the built-in files are used.
const DIRECTORY_DEFAULT: &str = "configs";

/// Loads, merges and checks the configuration of this environment.
///
/// # Errors
/// All errors, not only the first.
pub fn load(environment: &Environment) -> Result<Config, Errors> {
    load_from(environment, directory(environment).as_deref())
}

/// The directory of the configuration files: the one in [`DIRECTORY_VARIABLE`], else `configs`, else none.
fn directory(environment: &Environment) -> Option<PathBuf> {
    match environment.get(DIRECTORY_VARIABLE) {
        Some(path) => Some(PathBuf::from(path)),
        None => Some(PathBuf::from(DIRECTORY_DEFAULT)).filter(|default| default.is_dir()),
    }
}

fn load_from(environment: &Environment, directory: Option<&Path>) -> Result<Config, Errors> {
    let (config, errors) = load_all_from(environment, directory);
    if errors.is_empty() { Ok(config) } else { Err(Errors::new(errors)) }
}

/// The configuration with placeholders for invalid settings, and all errors.
#[must_use]
pub fn load_all(environment: &Environment) -> (Config, Vec<Error>) {
    load_all_from(environment, directory(environment).as_deref())
}

fn load_all_from(environment: &Environment, directory: Option<&Path>) -> (Config, Vec<Error>) {
    let mut files = Files::open(directory, environment);
    let profile = profile_with(&files, environment);
    files.open_profile(profile, directory, environment);

    let mut reader = Reader::new(&files, environment);
    let mut config = Config::load(&mut reader, profile);
    let (mut errors, settings) = reader.finish();
    errors.extend(files.errors(&settings));
    errors.extend(rules::check(&config));
    errors.sort();
    errors.dedup();
    config.warnings = unsupported_vars::warnings(environment, &settings);
    (config, errors)
}

/// The profile in [`PROFILE_VARIABLE`]. If that is not set, the profile is development if the server listens on a loopback
/// address, else production.
#[must_use]
pub fn profile(environment: &Environment) -> Profile {
    profile_with(&Files::open(directory(environment).as_deref(), environment), environment)
}

fn profile_with(files: &Files, environment: &Environment) -> Profile {
    match environment.get(PROFILE_VARIABLE) {
        Some(name) => Profile::parse(name),
        None if settings::has_loopback_listener(&mut Reader::new(files, environment)) => Profile::Development,
        None => Profile::Production,
    }
}

/// The proxy of requests to other hosts, also where other settings are invalid.
///
/// # Errors
/// It is invalid.
pub fn outbound_proxy(environment: &Environment) -> Result<Proxy, Errors> {
    let (config, errors) = load_all(environment);
    let errors: Vec<_> = errors.into_iter().filter(|error| error.path == "outbound.proxy").collect();
    if errors.is_empty() { Ok(config.proxy) } else { Err(Errors::new(errors)) }
}

/// Every setting with its variable, in the order in which the configuration is loaded.
#[must_use]
pub fn settings() -> Vec<Setting> {
    let environment = Environment::default();
    let files = Files::open(None, &environment);
    let mut reader = Reader::new(&files, &environment);
    let _config = Config::load(&mut reader, Profile::Development);
    reader.finish().1
}

/// The settings that webhook providers declare.
fn provider_settings() -> impl Iterator<Item = &'static webhooks::Setting> {
    PROVIDERS.into_iter().flat_map(ProviderDeclaration::all_settings)
}

/// The default of the setting at `path`, as `docs/API.md` writes it.
#[must_use]
pub fn default_text(path: &str) -> String {
    let declared = provider_settings().find(|setting| setting.path == path);
    let default = match (
        declared.map(webhooks::Setting::default_value),
        Files::open(None, &Environment::default()).get(path),
    ) {
        (Some(SettingValue::Number(number)), _) => Some(number.to_string()),
        (Some(SettingValue::Text(text)), _) => text,
        (Some(SettingValue::List(items)), _) => Some(items.join(",")),
        (None, Some((RawValue::Text(text), _))) => Some(text.clone()),
        (None, Some((RawValue::List(items), _))) => Some(items.join(",")),
        (None, Some((RawValue::Unset, _)) | None) => None,
    };
    default.filter(|text| !text.is_empty()).unwrap_or_else(|| "unset".to_owned())
}

#[cfg(test)]
mod tests;
