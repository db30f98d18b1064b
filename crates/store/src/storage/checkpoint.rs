//! The checkpoint file: one line of JSON, which is replaced as a whole and is on the disk before it counts.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::StorageState;
use crate::error::{Error, OpenError};

/// `None` if there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<StorageState>, OpenError> {
    let failed = |source| OpenError::Checkpoint { path: path.to_owned(), source };
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| failed(error.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

pub(crate) async fn write(path: PathBuf, state: StorageState) -> Result<(), Error> {
    let failed = |source| Error::Checkpoint { path: path.clone(), source };
    let target = path.clone();
    let written = tokio::task::spawn_blocking(move || replace(&target, &state)).await;
    written.unwrap_or_else(|ended| Err(io::Error::other(ended))).map_err(failed)
}

fn replace(path: &Path, state: &StorageState) -> io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    file.write_all(serde_json::to_string(state)?.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
