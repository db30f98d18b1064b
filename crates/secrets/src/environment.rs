//! The process environment, and the source of secrets in variables and in files that variables point to.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::files::{self, ReadError};
use crate::invalid::InvalidReason;
use crate::origin::{Grade, Origin};
use crate::source::{BoxFuture, RawSecret, Source};
use crate::spec::SecretSpec;
use crate::value::SecretValue;

/// The suffix of a variable that holds the path of a file.
const FILE_SUFFIX: &str = "_FILE";

/// Environment variables by name, read once and passed as an argument.
///
/// An empty variable counts as unset, because Compose sets unset variables to the empty string.
#[derive(Clone, Default)]
pub struct Environment(Arc<BTreeMap<String, SecretValue>>);

/// Environment variables as a source of secrets.
///
/// `NAME` holds the value, or `NAME_FILE` the absolute path of a file with the value. Both, or two names of one secret,
/// are [`Error::Ambiguous`]. A `NAME_FILE` without its file is an error, not "not found".
pub(crate) struct EnvironmentSource {
    environment: Environment,
    /// Directories of the files that variables pointed to, to be watched for changes.
    pointed_directories: Mutex<Vec<PathBuf>>,
}

/// A variable that sets a secret.
enum Setting {
    Value { variable: String, value: SecretValue },
    Pointer { variable: String, path: PathBuf },
}

impl Environment {
    /// The variables of this process. Names and values that are not UTF-8 are converted lossily, so that a check
    /// rejects them instead of overlooking them.
    #[must_use]
    pub fn from_process() -> Self {
        let text = |text: OsString| text.to_string_lossy().into_owned();
        std::env::vars_os().map(|(name, value)| (text(name), text(value))).collect()
    }

    /// The value of a variable that is set and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.secret(name)?.expose_text()
    }

    /// The names of the variables that are set and not empty, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| name.as_str())
    }

    /// The same variables, with one of them set to another value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        Arc::make_mut(&mut self.0).insert(name.to_owned(), SecretValue::from_string(value.to_owned()));
        self
    }

    /// The same variables, with those of `defaults` that are not set, not even to the empty string.
    #[must_use]
    pub fn with_defaults(mut self, defaults: Self) -> Self {
        let variables = Arc::make_mut(&mut self.0);
        for (name, value) in defaults.0.iter() {
            variables.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// `$CREDENTIALS_DIRECTORY`, which systemd sets.
    pub(crate) fn credentials_directory(&self) -> Option<PathBuf> {
        self.get("CREDENTIALS_DIRECTORY").map(PathBuf::from)
    }

    /// A variable that is not a secret, without surrounding whitespace.
    pub(crate) fn setting(&self, variable: &str) -> Option<String> {
        let value = self.get(variable)?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A secret variable outside the catalogue.
    pub(crate) fn secret(&self, variable: &str) -> Option<&SecretValue> {
        self.0.get(variable).filter(|value| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let pairs = pairs.into_iter();
        Self(Arc::new(
            pairs.map(|(name, value)| (name.into(), SecretValue::from_string(value.into()))).collect(),
        ))
    }
}

impl fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

impl EnvironmentSource {
    pub(crate) fn new(environment: Environment) -> Self {
        Self { environment, pointed_directories: Mutex::default() }
    }

    fn settings(&self, spec: &SecretSpec) -> Vec<Setting> {
        let mut settings = Vec::new();
        for variable in spec.variables() {
            let pointer = format!("{variable}{FILE_SUFFIX}");
            if let Some(value) = self.environment.0.get(&variable).cloned() {
                settings.push(Setting::Value { variable, value });
            }
            if let Some(path) = self.environment.get(&pointer).map(PathBuf::from) {
                settings.push(Setting::Pointer { variable: pointer, path });
            }
        }
        // Compose sets unset variables to the empty string, which counts only when no other variable is set.
        if settings.iter().any(|setting| !setting.is_empty()) {
            settings.retain(|setting| !setting.is_empty());
        } else {
            settings.truncate(1);
        }
        settings
    }

    async fn find(&self, spec: &SecretSpec) -> Result<RawSecret, Error> {
        let mut settings = self.settings(spec);
        match (settings.pop(), settings.as_slice()) {
            (Some(only), []) => self.read(spec, only).await,
            (Some(last), others) => {
                let origins = others.iter().chain([&last]).map(Setting::origin).collect();
                Err(Error::Ambiguous { name: spec.name.clone(), origins })
            }
            (None, _) => {
                let tried = spec.variables().map(|variable| Origin::Env { variable }).collect();
                Err(Error::NotFound { name: spec.name.clone(), tried })
            }
        }
    }

    async fn read(&self, spec: &SecretSpec, setting: Setting) -> Result<RawSecret, Error> {
        let origin = setting.origin();
        match setting {
            Setting::Value { value, .. } => {
                Ok(RawSecret { grade: Grade::Weak, ..RawSecret::new(value, origin) })
            }
            Setting::Pointer { path, .. } => match self.read_file(path).await {
                Ok(file) => Ok(file.into_raw_secret(origin)),
                Err(ReadError::Missing) => {
                    Err(ReadError::Invalid(InvalidReason::Missing).into_error(spec, origin))
                }
                Err(error) => Err(error.into_error(spec, origin)),
            },
        }
    }

    /// The path may be a link, but only within its directory.
    async fn read_file(&self, path: PathBuf) -> Result<files::SecretFile, ReadError> {
        let (Some(directory), Some(name), true) = (path.parent(), path.file_name(), path.is_absolute())
        else {
            return Err(ReadError::Invalid(InvalidReason::NotAbsolute));
        };
        self.remember(directory);
        files::read(directory.to_path_buf(), PathBuf::from(name)).await
    }

    fn remember(&self, directory: &Path) {
        let mut directories = self.pointed_directories.lock().unwrap_or_else(PoisonError::into_inner);
        if !directories.iter().any(|path| path == directory) {
            directories.push(directory.to_path_buf());
        }
    }
}

impl Source for EnvironmentSource {
    fn is_local(&self) -> bool {
        true
    }

    fn get<'a>(&'a self, spec: &'a SecretSpec) -> BoxFuture<'a, Result<RawSecret, Error>> {
        Box::pin(self.find(spec))
    }

    fn watched_directories(&self) -> Vec<PathBuf> {
        self.pointed_directories.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Setting {
    fn origin(&self) -> Origin {
        match self {
            Self::Value { variable, .. } => Origin::Env { variable: variable.clone() },
            Self::Pointer { variable, path } => {
                Origin::EnvFile { variable: variable.clone(), path: path.clone() }
            }
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Self::Value { value, .. } if value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Class, Format};

    const ALIASED: &[&str] = &["APCA_API_KEY_ID"];

    async fn find(variables: &[(&str, &str)]) -> Result<RawSecret, Error> {
        let name = "alpaca_api_key".parse().unwrap();
        let spec = SecretSpec { aliases: ALIASED, ..SecretSpec::new(name, Class::ApiKey, Format::Text, "") };
        EnvironmentSource::new(variables.iter().copied().collect()).get(&spec).await
    }

    async fn check(variables: &[(&str, &str)], origin: &str, value: &str) {
        let secret = find(variables).await.unwrap();
        assert_eq!((secret.origin.to_string().as_str(), secret.value.expose_text()), (origin, Some(value)));
    }

    #[tokio::test]
    async fn variables_are_read_by_name_and_by_alias() {
        check(&[("ALPACA_API_KEY", "a")], "environment variable ALPACA_API_KEY", "a").await;
        check(&[("APCA_API_KEY_ID", "b")], "environment variable APCA_API_KEY_ID", "b").await;
        check(
            &[("ALPACA_API_KEY", ""), ("APCA_API_KEY_ID", "b")],
            "environment variable APCA_API_KEY_ID",
            "b",
        )
        .await;
        check(&[("ALPACA_API_KEY", "")], "environment variable ALPACA_API_KEY", "").await;
    }

    #[tokio::test]
    async fn undeclared_variables_are_not_read() {
        let missing = find(&[("alpaca_api_key", "lower case"), ("ALPACA_KEY", "x")]).await.unwrap_err();
        let text = "secret alpaca_api_key was not found in environment variable ALPACA_API_KEY, \
                    environment variable APCA_API_KEY_ID";
        assert_eq!(missing.to_string(), text);
    }

    #[tokio::test]
    async fn two_settings_of_one_secret_contradict_each_other() {
        let pairs = [
            [("ALPACA_API_KEY", "a"), ("ALPACA_API_KEY_FILE", "/nowhere/a")],
            [("ALPACA_API_KEY", "a"), ("APCA_API_KEY_ID", "a")],
            [("ALPACA_API_KEY_FILE", "/nowhere/a"), ("APCA_API_KEY_ID_FILE", "/nowhere/b")],
        ];
        for pair in pairs {
            let error = find(&pair).await.unwrap_err();
            assert!(
                matches!(&error, Error::Ambiguous { origins, .. } if origins.len() == 2),
                "{pair:?}: {error}"
            );
        }
    }

    #[tokio::test]
    async fn paths_are_followed_and_missing_files_are_errors() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "from a file\n").unwrap();
        let secret = find(&[("ALPACA_API_KEY_FILE", path.to_str().unwrap())]).await.unwrap();
        assert_eq!(secret.value.expose(), b"from a file\n");
        assert_eq!(secret.origin, Origin::EnvFile { variable: "ALPACA_API_KEY_FILE".to_owned(), path });
        for (path, expected) in [
            ("/nowhere/key", InvalidReason::Missing),
            ("key", InvalidReason::NotAbsolute),
            ("/", InvalidReason::NotAbsolute),
        ] {
            let error = find(&[("ALPACA_API_KEY_FILE", path)]).await.unwrap_err();
            assert!(matches!(error, Error::Invalid { reason, .. } if reason == expected), "{path}: {error}");
        }
    }
}
