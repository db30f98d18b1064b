//! A temporary secrets directory on a disk.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use secrets::{Builder, Catalogue, Class, Format, Profile, SecretSpec, Secrets};
use tempfile::TempDir;

/// The wall clock of every test: 2026-01-01T00:00:00Z.
pub(crate) const NOW_UNIX_S: u64 = 1_767_225_600;

pub(crate) struct Fixture {
    root: TempDir,
    variables: Vec<(String, String)>,
}

impl Fixture {
    /// An empty secrets directory that everyone may enter.
    pub(crate) fn new() -> Self {
        let root = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        chmod(root.path(), 0o755);
        std::fs::create_dir(root.path().join("mount")).unwrap();
        chmod(&root.path().join("mount"), 0o755);
        Self { root, variables: Vec::new() }
    }

    pub(crate) fn outside(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn mount(&self) -> PathBuf {
        self.root.path().join("mount")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.mount().join(name)
    }

    /// Writes a file that only its owner can read, atomically.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let (next, path) = (self.root.path().join("next"), self.path(name));
        std::fs::write(&next, contents).unwrap();
        chmod(&next, 0o400);
        std::fs::rename(&next, &path).unwrap();
        path
    }

    pub(crate) fn variable(&mut self, name: &str, value: impl Into<String>) {
        self.variables.push((name.into(), value.into()));
    }

    pub(crate) fn builder(&self, profile: Profile, catalogue: Catalogue) -> Builder {
        Secrets::builder(profile, catalogue, clock())
            .local(self.variables.iter().cloned().collect(), self.mount())
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

/// The text of a secret, or the error message.
pub(crate) fn text(secrets: &Secrets, name: &str) -> Result<String, String> {
    let set = secrets.handle(name, "test").unwrap().load().map_err(|error| error.to_string())?;
    Ok(set.value().expose_text().unwrap().to_owned())
}
