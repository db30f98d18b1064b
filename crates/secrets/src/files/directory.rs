//! Finds what the lookup of a declared secret does not notice: files with other names, and a directory that does not exist.

use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::SECRETS_DIRECTORY;
use crate::catalogue::Catalogue;
use crate::config_error::ConfigError;
use crate::error::Error;
use crate::name::SecretName;

/// Describes the directory, and is no secret.
const PAGE: &str = "README.md";
const STICKY: u32 = 0o1000;
const OTHERS_WRITE: u32 = 0o002;
/// Most files that are reported, if the directory is another than was meant.
const REPORTED_MAX: usize = 20;

/// Files that no secret is named after, a directory that does not exist, unless it is [`SECRETS_DIRECTORY`], the default, and one that
/// everyone can write to, or in which everyone could replace it.
/// Directories, `README.md` and names that begin with a dot are no secrets.
#[must_use]
pub fn directory_errors(directory: &Path, catalogue: &Catalogue) -> Vec<Error> {
    let path = directory.to_path_buf();
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) => match error.kind() {
            ErrorKind::NotFound if directory == Path::new(SECRETS_DIRECTORY) => return Vec::new(),
            ErrorKind::NotFound => return vec![Error::Config(ConfigError::NoDirectory { path })],
            kind => return vec![Error::Config(ConfigError::UnlistedDirectory { path, kind })],
        },
    };
    let names = entries.flatten().filter(|entry| !entry.path().is_dir()).map(|entry| entry.file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.retain(|name| !name.starts_with('.') && name != PAGE && named(name, catalogue).is_none());
    names.sort();
    let error = |name: String| {
        let similar = similar(&name, catalogue);
        Error::Config(ConfigError::UnknownFile { path: directory.join(name), similar })
    };
    writable(directory).into_iter().chain(names.into_iter().take(REPORTED_MAX).map(error)).collect()
}

/// Everyone may create files in a directory with the sticky bit, but not replace those of others.
fn writable(directory: &Path) -> Option<Error> {
    let is_writable = |path: &&Path| {
        let mode = path.metadata().map_or(0, |metadata| metadata.permissions().mode());
        mode & (STICKY | OTHERS_WRITE) == OTHERS_WRITE
    };
    let directory = directory.canonicalize().ok()?;
    let path = directory.ancestors().find(is_writable)?.to_path_buf();
    Some(Error::Config(ConfigError::WritableDirectory { path }))
}

/// The secret that may have a file of this name.
fn named(name: &str, catalogue: &Catalogue) -> Option<SecretName> {
    let spec = catalogue.iter().find(|spec| spec.file_names().any(|file| file == name))?;
    Some(spec.name.clone())
}

/// The secret that a file such as `API-KEYS.text` was probably meant for.
fn similar(name: &str, catalogue: &Catalogue) -> Option<SecretName> {
    let stem = name.split('.').next().unwrap_or_default();
    named(&stem.to_ascii_lowercase().replace('-', "_"), catalogue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(directory: &Path) -> Vec<String> {
        directory_errors(directory, &Catalogue::product()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_file_that_no_secret_is_named_after_is_found_with_the_name_that_was_probably_meant() {
        let directory = tempfile::tempdir().unwrap();
        let write = |names: &[&str]| {
            names.iter().for_each(|name| std::fs::write(directory.path().join(name), "x").unwrap());
        };
        write(&["api_keys", "polygon_api_key.txt", "alpaca_secret_key.txt", "README.md", ".new"]);
        std::fs::create_dir(directory.path().join("postgres")).unwrap();
        std::os::unix::fs::symlink("postgres", directory.path().join("..data")).unwrap();
        assert_eq!(errors(directory.path()), Vec::<String>::new());
        write(&["API-KEYS.text", "api_key.txt", "polygon_api_key.txt~"]);
        let list = "rename or remove it; `investiq secrets list` shows the names";
        let expected = [
            ("API-KEYS.text", "rename it to api_keys, or remove it"),
            ("api_key.txt", list),
            ("polygon_api_key.txt~", "rename it to polygon_api_key, or remove it"),
        ];
        let expected = expected.map(|(name, hint)| {
            let path = directory.path().join(name);
            format!(
                "invalid secrets configuration: file {} is not named after a secret: {hint}",
                path.display()
            )
        });
        assert_eq!(errors(directory.path()), expected);
    }

    #[test]
    fn a_directory_in_which_everyone_could_replace_a_secret_is_found() {
        let around = tempfile::tempdir().unwrap();
        let directory = around.path().join("secrets");
        std::fs::create_dir(&directory).unwrap();
        for (outer, inner, writable) in [
            (0o755, 0o755, None),
            (0o755, 0o777, Some(&*directory)),
            (0o777, 0o700, Some(around.path())),
            // As Kubernetes mounts it.
            (0o755, 0o1777, None),
        ] {
            std::fs::set_permissions(around.path(), std::fs::Permissions::from_mode(outer)).unwrap();
            std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(inner)).unwrap();
            let found = errors(&directory);
            assert_eq!(found.len(), writable.iter().len(), "{outer:o} {inner:o}: {found:?}");
            let chmod = writable.map(|path| format!("chmod o-w {}", path.display()));
            assert!(chmod.is_none_or(|remedy| found[0].ends_with(&remedy)), "{found:?}");
        }
    }

    #[test]
    fn only_the_default_directory_may_be_missing() {
        assert!(
            errors(Path::new("/nowhere/at/all"))[0].contains("/nowhere/at/all does not exist: create it")
        );
        assert!(errors(Path::new("/etc/hostname"))[0].contains("/etc/hostname cannot be listed"));
        assert!(Path::new(SECRETS_DIRECTORY).exists() || errors(Path::new(SECRETS_DIRECTORY)).is_empty());
    }
}
