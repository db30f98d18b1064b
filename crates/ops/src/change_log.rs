//! The log of changes in AWS: JSON lines, each with the SHA-256 of the line before, so that a line that is changed or
//! removed is detected. It contains names, origins and versions; events cannot contain a value.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustix::fs::FlockOperation;
use secrets::{AuditError, AuditSink, Change, Clock, Event, Progress};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::failure::Failure;

/// The hash of the line before the first.
const FIRST_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const MODE: u32 = 0o600;

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    at: String,
    event: String,
    secret: String,
    origin: String,
    change: String,
    outcome: String,
    previous: String,
}

/// Appends to a file that only its owner can read.
pub(crate) fn sink(path: PathBuf, clock: Clock) -> Result<AuditSink, Failure> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(&path);
    let file = Arc::new(Mutex::new(file.map_err(Failure::file("open", path))?));
    Ok(Arc::new(move |event: &Event| {
        let Some(line) = line(event) else { return Ok(()) };
        let at = Timestamp::try_from(clock()).map_err(|_| AuditError)?.to_string();
        let file = file.lock().unwrap_or_else(PoisonError::into_inner);
        append(&file, Line { at, ..line }).map_err(|_| AuditError)
    }))
}

/// The line of a change; other events are not logged.
fn line(event: &Event) -> Option<Line> {
    let (event, secret, origin, change, outcome) = match event {
        Event::Mutation { name, origin, change, progress } => {
            ("change", name, origin.to_string(), describe(change), outcome(*progress))
        }
        Event::EmergencyRotation { name, revoked, reason } => (
            "emergency",
            name,
            String::new(),
            format!("revokes {}: {reason}", revoked.as_str()),
            "done".to_owned(),
        ),
        _ => return None,
    };
    let (event, secret) = (event.to_owned(), secret.to_string());
    Some(Line { at: String::new(), event, secret, origin, change, outcome, previous: String::new() })
}

fn describe(change: &Change) -> String {
    match change {
        Change::Create(version) => format!("create {}", version.as_str()),
        Change::Put(version, stage) => format!("put {} as {stage:?}", version.as_str()),
        Change::Promote { to, from } => format!("promote {} over {}", to.as_str(), from.as_str()),
        Change::Unlabel(version, stage) => format!("unlabel {} as {stage:?}", version.as_str()),
        Change::Delete { days: Some(days) } => format!("delete after {days} days"),
        Change::Delete { days: None } => "delete permanently".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn outcome(progress: Progress) -> String {
    match progress {
        Progress::Intended => "intended".to_owned(),
        Progress::Done => "done".to_owned(),
        Progress::Failed(how) => format!("failed: {how}"),
    }
}

/// Appends a line and syncs the file, which is locked against other runs of this command meanwhile.
fn append(mut file: &File, line: Line) -> io::Result<()> {
    rustix::fs::flock(file, FlockOperation::LockExclusive)?;
    let result = (|| {
        let mut text = String::new();
        file.rewind()?;
        file.read_to_string(&mut text)?;
        let previous = text.lines().last().map_or_else(|| FIRST_HASH.to_owned(), digest);
        let line = serde_json::to_string(&Line { previous, ..line })?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()
    })();
    rustix::fs::flock(file, FlockOperation::Unlock)?;
    result
}

/// The number of lines, or the number of the first line whose hash of the line before is wrong.
pub(crate) fn verify(path: &Path) -> Result<Result<usize, usize>, Failure> {
    let text = fs::read_to_string(path).map_err(Failure::file("read", path))?;
    let mut previous = FIRST_HASH.to_owned();
    for (number, text) in (1..).zip(text.lines()) {
        match serde_json::from_str::<Line>(text) {
            Ok(line) if line.previous == previous => previous = digest(text),
            Ok(_) | Err(_) => return Ok(Err(number)),
        }
    }
    Ok(Ok(text.lines().count()))
}

fn digest(line: &str) -> String {
    hex::encode(Sha256::digest(line.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn a_changed_or_removed_line_is_detected() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("audit.jsonl");
        let sink = sink(path.clone(), Arc::new(|| SystemTime::UNIX_EPOCH)).unwrap();
        let event = Event::Mutation {
            name: "jwt_secret".parse().unwrap(),
            origin: secrets::Origin::Env { variable: "JWT_SECRET".to_owned() },
            change: Change::Restore,
            progress: Progress::Done,
        };
        for _ in 0..3 {
            sink(&event).unwrap();
        }
        assert_eq!(verify(&path).unwrap(), Ok(3));
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        fs::write(&path, format!("{}\n{}\n", lines[0], lines[2])).unwrap();
        assert_eq!(verify(&path).unwrap(), Err(2));
        fs::write(&path, text.replacen("done", "gone", 1)).unwrap();
        assert_eq!(verify(&path).unwrap(), Err(2));
    }
}
