//! Keeps the keys of a file that is replaced, where there is data that cannot be read or verified without them.

use std::path::Path;

use secrets::{Origin, SecretSpec, SecretValue, clean_value, with_older_keys};

use crate::failure::Failure;
use crate::secret_file;
use crate::value_input;

/// `value`, followed by the keys of the file at `path` if they are still needed.
pub(crate) fn with_keys_of_file(
    spec: &SecretSpec,
    value: SecretValue,
    path: &Path,
) -> Result<SecretValue, Failure> {
    if !spec.needs_older_keys() || !secret_file::exists(path) {
        return Ok(value);
    }
    let origin = Origin::SecretFile { path: path.to_path_buf() };
    let older = clean_value(spec, &value_input::read_file(path)?, origin).map_err(|error| {
        Failure::Precondition(format!(
            "{error}; its keys are still needed, so it is not replaced: repair it first"
        ))
    })?;
    Ok(with_older_keys(spec, &value, &[&older])?)
}
