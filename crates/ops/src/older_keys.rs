//! Keeps the keys of a file that is replaced, where there is data that cannot be read or verified without them.

use std::path::{Path, PathBuf};

use secrets::{Origin, SecretSpec, SecretValue, clean_value, with_older_keys};

use crate::failure::Failure;
use crate::secret_file;
use crate::value_input;

/// Refuses to remove replaced files of a secret if the current file does not exist, or lacks a key of theirs that is still needed.
pub(crate) fn check_removal(spec: &SecretSpec, current: &Path, replaced: &[PathBuf]) -> Result<(), Failure> {
    let refused =
        |reason: &str| Err(Failure::Precondition(format!("{}: nothing was removed: {reason}", spec.name)));
    if !secret_file::exists(current) {
        return refused("there is no current value; set one, or rename a replaced file to it");
    }
    if !spec.needs_older_keys() {
        return Ok(());
    }
    let value = read(spec, current)?;
    for path in replaced {
        if with_older_keys(spec, &value, &[&read(spec, path)?])?.expose() != value.expose() {
            let lacks = format!("the current value lacks a key of {}; add that line to it", path.display());
            return refused(&lacks);
        }
    }
    Ok(())
}

/// `value`, followed by the keys of the file at `path` if they are still needed.
pub(crate) fn with_keys_of_file(
    spec: &SecretSpec,
    value: SecretValue,
    path: &Path,
) -> Result<SecretValue, Failure> {
    if !spec.needs_older_keys() || !secret_file::exists(path) {
        return Ok(value);
    }
    let older = read(spec, path).map_err(|error| match error {
        Failure::Secret(error) => Failure::Precondition(format!(
            "{error}; its keys are still needed, so it is not replaced: repair it first"
        )),
        other => other,
    })?;
    Ok(with_older_keys(spec, &value, &[&older])?)
}

fn read(spec: &SecretSpec, path: &Path) -> Result<SecretValue, Failure> {
    let origin = Origin::SecretFile { path: path.to_path_buf() };
    Ok(clean_value(spec, &value_input::read_file(path)?, origin)?)
}
