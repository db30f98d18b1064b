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

fn fill(fresh: &Path, state: &StorageState) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(fresh)?;
    file.write_all(serde_json::to_string(state)?.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn replace(path: &Path, state: &StorageState) -> io::Result<()> {
    // A name of its own: a write whose caller has stopped waiting may still be going on.
    let mut random = [0; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}", hex::encode(random)));
    let written = fill(Path::new(&fresh), state).and_then(|()| fs::rename(&fresh, path));
    if let Err(error) = written {
        drop(fs::remove_file(&fresh));
        return Err(error);
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}
