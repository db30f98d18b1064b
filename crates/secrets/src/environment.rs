//! Secrets in environment variables, and in files that such variables point to.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::error::Error;
use crate::fault::Fault;
use crate::files::{self, Refusal};
use crate::origin::{Grade, Origin};
use crate::provider::{Announced, Answer, Capabilities, Found, Provider, Selector};
use crate::spec::SecretSpec;
use crate::value::SecretValue;
use crate::version::Created;

/// What follows a variable's name when it holds the path of a file.
const FILE_SUFFIX: &str = "_FILE";

/// The environment, handed in, so that a test needs none of its own.
///
/// `NAME` holds the value, or `NAME_FILE` the absolute path of a file that does; both, or two spellings of one secret,
/// are [`Error::Ambiguous`]. A `NAME_FILE` that leads nowhere is an error and not a reason to look elsewhere: somebody
/// said where the secret is.
pub struct Environment {
    variables: BTreeMap<OsString, SecretValue>,
    /// Directories of the files that were pointed to, so that their changes are noticed.
    pointed_at: Mutex<Vec<PathBuf>>,
}

/// One setting that offers a secret.
enum Offer {
    Value { variable: String, value: SecretValue },
    Pointer { variable: String, path: PathBuf },
}

impl Environment {
    /// An environment of these variables, usually `std::env::vars_os()`.
    #[must_use]
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let keep = |(name, value): (OsString, OsString)| (name, SecretValue::from_vec(value.into_vec()));
        Self { variables: variables.into_iter().map(keep).collect(), pointed_at: Mutex::default() }
    }

    /// The directory that systemd set up for this service's credentials.
    #[must_use]
    pub fn credentials_directory(&self) -> Option<PathBuf> {
        self.value("CREDENTIALS_DIRECTORY").filter(|path| !path.is_empty()).map(path_of)
    }

    /// A variable that is no secret; empty is as unset.
    pub(crate) fn setting(&self, variable: &str) -> Option<String> {
        let value = self.value(variable)?.expose_text()?.trim();
        (!value.is_empty()).then(|| value.to_owned())
    }

    /// A variable that is a secret of nobody's catalogue; empty is as unset.
    pub(crate) fn secret(&self, variable: &str) -> Option<SecretValue> {
        self.value(variable).filter(|value| !value.is_empty()).cloned()
    }

    fn value(&self, variable: &str) -> Option<&SecretValue> {
        self.variables.get(OsStr::new(variable))
    }

    fn offers(&self, spec: &SecretSpec) -> Vec<Offer> {
        let mut offers = Vec::new();
        for variable in spec.variables() {
            let pointer = format!("{variable}{FILE_SUFFIX}");
            if let Some(value) = self.value(&variable).cloned() {
                offers.push(Offer::Value { variable, value });
            }
            if let Some(path) = self.value(&pointer).filter(|path| !path.is_empty()).map(path_of) {
                offers.push(Offer::Pointer { variable: pointer, path });
            }
        }
        // Compose writes an empty string for a variable that is not set: beside a real setting it says nothing.
        if offers.iter().any(|offer| !offer.is_empty()) {
            offers.retain(|offer| !offer.is_empty());
        } else {
            offers.truncate(1);
        }
        offers
    }

    async fn find(&self, spec: &SecretSpec) -> Result<Found, Error> {
        let mut offers = self.offers(spec);
        match (offers.pop(), offers.as_slice()) {
            (Some(only), []) => self.read(spec, only).await,
            (Some(last), others) => {
                let origins = others.iter().chain([&last]).map(Offer::origin).collect();
                Err(Error::Ambiguous { name: spec.name.clone(), origins })
            }
            (None, _) => {
                let tried = spec.variables().map(|variable| Origin::Env { variable }).collect();
                Err(Error::NotFound { name: spec.name.clone(), tried })
            }
        }
    }

    async fn read(&self, spec: &SecretSpec, offer: Offer) -> Result<Found, Error> {
        let origin = offer.origin();
        match offer {
            Offer::Value { value: raw, .. } => Ok(Found {
                raw,
                origin,
                id: None,
                created: Created::Unknown,
                grade: Grade::Weak,
                warnings: Vec::new(),
                announced: Announced::Nothing,
            }),
            Offer::Pointer { path, .. } => match self.follow(path).await {
                Ok(file) => Ok(file.found(origin)),
                Err(Refusal::Missing) => Err(Refusal::Fault(Fault::Missing).into_error(spec, origin)),
                Err(refusal) => Err(refusal.into_error(spec, origin)),
            },
        }
    }

    /// Reads a file that was pointed to. It may be a link, but not one that leads out of the directory it was named in.
    async fn follow(&self, path: PathBuf) -> Result<files::SecretFile, Refusal> {
        let (Some(directory), Some(leaf), true) = (path.parent(), path.file_name(), path.is_absolute())
        else {
            return Err(Refusal::Fault(Fault::NotAbsolute));
        };
        self.remember(directory);
        files::read(directory.to_path_buf(), PathBuf::from(leaf)).await
    }

    fn remember(&self, directory: &Path) {
        let mut known = self.pointed_at.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if !known.iter().any(|path| path == directory) {
            known.push(directory.to_path_buf());
        }
    }
}

impl Provider for Environment {
    fn capabilities(&self) -> Capabilities {
        Capabilities { is_local: true, has_versions: false }
    }

    fn get<'a>(&'a self, spec: &'a SecretSpec, which: &'a Selector) -> Answer<'a, Result<Found, Error>> {
        Box::pin(async move {
            match which {
                Selector::Current => self.find(spec).await,
                Selector::Previous | Selector::Pending | Selector::Version(_) => {
                    Err(Error::NotFound { name: spec.name.clone(), tried: Vec::new() })
                }
            }
        })
    }

    fn watched(&self) -> Vec<PathBuf> {
        self.pointed_at.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

impl Offer {
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

fn path_of(value: &SecretValue) -> PathBuf {
    PathBuf::from(OsStr::from_bytes(value.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Class, Format};

    const ALIASED: &[&str] = &["APCA_API_KEY_ID"];

    async fn find(variables: &[(&str, &str)]) -> Result<Found, Error> {
        let name = "alpaca_api_key".parse().unwrap();
        let spec = SecretSpec { aliases: ALIASED, ..SecretSpec::new(name, Class::ApiKey, Format::Text, "") };
        let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Environment::new(variables).get(&spec, &Selector::Current).await
    }

    async fn check(variables: &[(&str, &str)], origin: &str, value: &str) {
        let found = find(variables).await.unwrap();
        assert_eq!((found.origin.to_string().as_str(), found.raw.expose_text()), (origin, Some(value)));
    }

    #[tokio::test]
    async fn a_variable_is_found_by_its_name_or_by_an_older_one() {
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
    async fn nothing_undeclared_is_found() {
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
    async fn a_path_is_followed_and_one_that_leads_nowhere_is_not_an_absence() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("key");
        std::fs::write(&path, "from a file\n").unwrap();
        let found = find(&[("ALPACA_API_KEY_FILE", path.to_str().unwrap())]).await.unwrap();
        assert_eq!(found.raw.expose(), b"from a file\n");
        assert_eq!(found.origin, Origin::EnvFile { variable: "ALPACA_API_KEY_FILE".to_owned(), path });
        for (path, expected) in
            [("/nowhere/key", Fault::Missing), ("key", Fault::NotAbsolute), ("/", Fault::NotAbsolute)]
        {
            let error = find(&[("ALPACA_API_KEY_FILE", path)]).await.unwrap_err();
            assert!(matches!(error, Error::Invalid { fault, .. } if fault == expected), "{path}: {error}");
        }
    }
}
