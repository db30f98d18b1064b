//! The record of changes: JSON lines, each with the SHA-256 of the line before, so that none can be changed or taken out
//! without a trace. It tells names, places and versions; events cannot hold a value.

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

/// What the first line calls the line before it.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
const MODE: u32 = 0o600;

/// One line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    at: String,
    event: String,
    secret: String,
    place: String,
    what: String,
    outcome: String,
    before: String,
}

/// Keeps the record in a file that its owner alone reads.
pub(crate) fn sink(path: PathBuf, clock: Clock) -> Result<AuditSink, Failure> {
    let file = OpenOptions::new().read(true).append(true).create(true).mode(MODE).open(&path);
    let file = Arc::new(Mutex::new(file.map_err(Failure::file("opening", path))?));
    Ok(Arc::new(move |event: &Event| {
        let Some(line) = line(event) else { return Ok(()) };
        let at = Timestamp::try_from(clock()).map_err(|_| AuditError)?.to_string();
        let file = file.lock().unwrap_or_else(PoisonError::into_inner);
        append(&file, Line { at, ..line }).map_err(|_| AuditError)
    }))
}

/// What is kept of an event; reads are not.
fn line(event: &Event) -> Option<Line> {
    let (event, secret, place, what, outcome) = match event {
        Event::Mutation { name, origin, change, progress } => {
            ("change", name, origin.to_string(), word(change), outcome(*progress))
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
    Some(Line { at: String::new(), event, secret, place, what, outcome, before: String::new() })
}

fn word(change: &Change) -> String {
    match change {
        Change::Create(version) => format!("create {}", version.as_str()),
        Change::Put(version, stage) => format!("put {} as {stage:?}", version.as_str()),
        Change::Promote { to, from } => format!("promote {} over {}", to.as_str(), from.as_str()),
        Change::Unlabel(version, stage) => format!("unlabel {} as {stage:?}", version.as_str()),
        Change::Delete { days: Some(days) } => format!("delete after {days} days"),
        Change::Delete { days: None } => "delete for good".to_owned(),
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

/// Appends a line and waits until it is on the disk. The file is held meanwhile, against another run of this command.
fn append(mut file: &File, line: Line) -> io::Result<()> {
    rustix::fs::flock(file, FlockOperation::LockExclusive)?;
    let written = (|| {
        let mut text = String::new();
        file.rewind()?;
        file.read_to_string(&mut text)?;
        let before = text.lines().last().map_or_else(|| BEGINNING.to_owned(), digest);
        let line = serde_json::to_string(&Line { before, ..line })?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_all()
    })();
    rustix::fs::flock(file, FlockOperation::Unlock)?;
    written
}

/// How many lines a record has, or the number of the first that does not follow from the one before it.
pub(crate) fn verify(path: &Path) -> Result<Result<usize, usize>, Failure> {
    let text = fs::read_to_string(path).map_err(Failure::file("reading", path))?;
    let mut before = BEGINNING.to_owned();
    for (number, text) in (1..).zip(text.lines()) {
        match serde_json::from_str::<Line>(text) {
            Ok(line) if line.before == before => before = digest(text),
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
    fn a_line_that_was_changed_or_taken_out_shows() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("audit.jsonl");
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
