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
use crate::provider::{Answer, Capabilities, Found, Provider, Selector};
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
