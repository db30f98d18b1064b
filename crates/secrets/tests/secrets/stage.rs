//! A temporary directory on a disk, in which a test lays out secrets.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrets::{Builder, Catalogue, Class, Environment, Format, Profile, SecretSpec, Secrets};
use tempfile::TempDir;

/// The wall clock of every test: 2026-01-01T00:00:00Z.
pub(crate) const NOW_UNIX_S: u64 = 1_767_225_600;

pub(crate) struct Stage {
    place: TempDir,
    variables: Vec<(OsString, OsString)>,
}

impl Stage {
    /// An empty secrets directory on a disk, which everyone may enter.
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        chmod(place.path(), 0o755);
        std::fs::create_dir(place.path().join("mount")).unwrap();
        chmod(&place.path().join("mount"), 0o755);
        Self { place, variables: Vec::new() }
    }

    pub(crate) fn outside(&self) -> &Path {
        self.place.path()
    }

    pub(crate) fn mount(&self) -> PathBuf {
        self.place.path().join("mount")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.mount().join(name)
    }

    /// Writes a file that only its owner can read, in one step, as a careful writer does.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let (next, path) = (self.place.path().join("next"), self.path(name));
        std::fs::write(&next, contents).unwrap();
        chmod(&next, 0o400);
        std::fs::rename(&next, &path).unwrap();
        path
    }

    pub(crate) fn variable(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.push((name.into(), value.into()));
    }

    pub(crate) fn builder(&self, profile: Profile, catalogue: Catalogue) -> Builder {
        Secrets::builder(profile, catalogue, clock())
            .local(Environment::new(self.variables.clone()), self.mount())
    }
}

pub(crate) fn clock() -> secrets::Clock {
    Arc::new(|| SystemTime::UNIX_EPOCH + Duration::from_secs(NOW_UNIX_S))
}

/// A catalogue of vendor keys, one line of text each.
pub(crate) fn keys(names: &[&str]) -> Catalogue {
    Catalogue::new(names.iter().map(|name| spec(name, Class::ApiKey, Format::Text))).unwrap()
}

pub(crate) fn spec(name: &str, class: Class, format: Format) -> SecretSpec {
    SecretSpec::new(name.parse().unwrap(), class, format, "a test")
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The text of a secret, or what stands in its way.
pub(crate) fn text(secrets: &Secrets, name: &str) -> Result<String, String> {
    let set = secrets.handle(name, "test").unwrap().load().map_err(|error| error.to_string())?;
    Ok(set.value().expose_text().unwrap().to_owned())
}
