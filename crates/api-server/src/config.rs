//! What the service is told from outside: `configs/config.yaml`, then the profile's file, then the environment.
//!
//! Read once at the start. Unknown keys are refused, and **all** faults are reported at once, each with its path and
//! its source; no fault repeats a value, because a value may be a secret in the wrong place. Secrets themselves are
//! never here: crates/secrets declares their names and finds them.

mod environment;
mod fault;
mod file;
mod profile;
mod reader;
mod rules;
mod settings;
mod without_effect;

use std::path::{Path, PathBuf};

pub use environment::Environment;
pub use fault::{Fault, Faults, Warning};
pub use profile::Profile;
pub use reader::Setting;
pub use settings::{AlpacaEvents, Config, Ledger, Logs, MarketData, MetricsAccess};

use file::Files;
use reader::Reader;

/// Names the directory of the configuration files.
pub const DIRECTORY_VARIABLE: &str = "INVESTIQ_CONFIG_DIR";

/// Where the files are looked for when [`DIRECTORY_VARIABLE`] is not set; the built-in ones serve when it is not there.
const DIRECTORY_DEFAULT: &str = "configs";

/// The directory of the configuration files: the one that is named, else `configs` here, else none.
#[must_use]
pub fn directory(environment: &Environment) -> Option<PathBuf> {
    match environment.get(DIRECTORY_VARIABLE) {
        Some(named) => Some(PathBuf::from(named)),
        None => Some(PathBuf::from(DIRECTORY_DEFAULT)).filter(|default| default.is_dir()),
    }
}

/// Reads, merges and checks everything.
///
/// # Errors
/// Every fault that was found, not only the first.
pub fn load(environment: &Environment, directory: Option<&Path>) -> Result<Config, Faults> {
    let mut files = Files::open(directory, environment);
    let named = Profile::of_environment(environment);
    let profile = named.unwrap_or_else(|| Profile::of_address(first_address(&files, environment)));
    files.open_profile(profile, directory, environment);

    let mut reader = Reader::new(&files, environment);
    let mut config = settings::read(&mut reader, profile);
    let (mut faults, settings) = reader.finish();
    faults.extend(files.faults(&settings));
    faults.extend(rules::check(&config));
    if !faults.is_empty() {
        return Err(Faults::new(faults));
    }
    config.warnings = without_effect::warnings(environment, &settings);
    Ok(config)
}

/// The address that the base file and the environment ask for, before any profile has had its say.
fn first_address(files: &Files, environment: &Environment) -> Option<std::net::SocketAddr> {
    let mut reader = Reader::new(files, environment);
    settings::bind_address(&mut reader)
}

/// Every setting with its variable, in the order in which the configuration is read.
#[must_use]
pub fn settings() -> Vec<Setting> {
    let environment = Environment::default();
    let files = Files::open(None, &environment);
    let mut reader = Reader::new(&files, &environment);
    let _config = settings::read(&mut reader, Profile::Development);
    reader.finish().1
}

/// What the base file says at `path`, as `docs/API.md` writes it.
#[cfg(test)]
pub(crate) fn default_text(path: &str) -> String {
    match Files::open(None, &Environment::default()).get(path) {
        Some((file::Raw::Text(text), _)) => text.clone(),
        Some((file::Raw::List(items), _)) if !items.is_empty() => items.join(","),
        Some((file::Raw::List(_) | file::Raw::Unset, _)) | None => "unset".to_owned(),
    }
}

#[cfg(test)]
mod tests;
