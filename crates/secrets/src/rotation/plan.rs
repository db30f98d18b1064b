//! The plan file of a rotation, readable by its owner only. It contains ids and times, but no value.
//!
//! Only an operator's command writes it, never a server, so blocking I/O is fine.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::OverlapPolicy;
use crate::announcement::Deadline;
use crate::aws::Token;
use crate::error::Error;
use crate::name::SecretName;
use crate::version_id::VersionId;

/// Version of the file format.
const FORMAT: u32 = 1;
/// A plan has some hundred bytes.
const PLAN_BYTES_MAX: u64 = 16 * 1024;

/// The steps of a rotation, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The version ids are chosen.
    Planned,
    /// The new version is stored; no process uses or accepts it.
    Created,
    /// Every process is going to accept the new version.
    Announced,
    /// The new version is taking over.
    Promoting,
    /// The new version is current, and the previous one is accepted until its overlap ends.
    Promoted,
    /// The previous version is taking over again.
    RollingBack,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    format: u32,
    secret: String,
    to: String,
    from: String,
    pub(super) step: Step,
    announced_unix_s: Option<u64>,
    promoted_unix_s: Option<u64>,
    /// How long the previous version is accepted; `None` until it is retired by hand.
    overlap_s: Option<u64>,
    /// Whether the new value is generated and can be generated again after a crash; `None` until it is about to be stored.
    #[serde(default)]
    pub(super) is_generated: Option<bool>,
    /// The reason of an emergency rotation.
    pub(super) emergency: Option<String>,
}

impl Plan {
    pub(super) fn new(name: &SecretName, to: &Token, from: &VersionId, overlap: &OverlapPolicy) -> Self {
        Self {
            format: FORMAT,
            secret: name.as_str().to_owned(),
            to: to.version().as_str().to_owned(),
            from: from.as_str().to_owned(),
            step: Step::Planned,
            announced_unix_s: None,
            promoted_unix_s: None,
            overlap_s: (overlap.overlap != Duration::MAX).then_some(overlap.overlap.as_secs()),
            is_generated: None,
            emergency: None,
        }
    }

    pub(super) fn to(&self) -> VersionId {
        VersionId::new(&self.to)
    }

    pub(super) fn from(&self) -> VersionId {
        VersionId::new(&self.from)
    }

    pub(super) fn is_emergency(&self) -> bool {
        self.emergency.is_some()
    }

    pub(super) fn announced_at(&self) -> Option<SystemTime> {
        self.announced_unix_s.and_then(time)
    }

    pub(super) fn set_announced_at(&mut self, now: SystemTime) {
        self.announced_unix_s = unix_s(now);
    }

    pub(super) fn set_promoted_at(&mut self, now: SystemTime) {
        self.promoted_unix_s = unix_s(now);
    }

    /// Until when the previous version is accepted.
    pub(super) fn overlap_ends_at(&self) -> Deadline {
        let overlap = Duration::from_secs(self.overlap_s?);
        self.promoted_unix_s.and_then(time)?.checked_add(overlap)
    }

    /// For a rollback: the replaced version takes over again.
    pub(super) fn swap_versions(&mut self) {
        std::mem::swap(&mut self.to, &mut self.from);
    }

    /// The plan at `path`; `None` when there is none.
    pub(super) fn load(name: &SecretName, path: &Path) -> Result<Option<Self>, Error> {
        let error = |what| Error::Plan { name: name.clone(), path: path.to_path_buf(), what };
        match fs::metadata(path) {
            Err(io) if io.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(_) => return Err(error("cannot be read")),
            Ok(metadata) if metadata.len() > PLAN_BYTES_MAX => return Err(error("is too large")),
            Ok(_) => {}
        }
        let text = fs::read_to_string(path).map_err(|_| error("cannot be read"))?;
        let plan: Self = serde_json::from_str(&text).map_err(|_| error("is not a plan"))?;
        match (plan.format == FORMAT, plan.secret == name.as_str()) {
            (true, true) => Ok(Some(plan)),
            (false, _) => Err(error("was written by another version of this program")),
            (true, false) => Err(error("belongs to another secret")),
        }
    }

    /// Writes the plan, unless there is one.
    pub(super) fn save_new(&self, name: &SecretName, path: &Path) -> Result<(), Error> {
        if path.symlink_metadata().is_ok() {
            let what = "already exists: resume or abort that rotation";
            return Err(Error::Plan { name: name.clone(), path: path.to_path_buf(), what });
        }
        self.save(name, path)
    }

    /// Writes the plan atomically.
    pub(super) fn save(&self, name: &SecretName, path: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).expect("strings and numbers serialize to JSON");
        let what = "cannot be written";
        replace(path, &text).map_err(|_| Error::Plan { name: name.clone(), path: path.to_path_buf(), what })
    }

    pub(super) fn remove(name: &SecretName, path: &Path) -> Result<(), Error> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::Plan { name: name.clone(), path: path.to_path_buf(), what: "cannot be removed" })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Writes a temporary file beside `path`, syncs it, and renames it.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut next = path.as_os_str().to_owned();
    next.push(".next");
    if let Err(error) = fs::remove_file(&next)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&next)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&next, path)?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

fn time(unix_s: u64) -> Option<SystemTime> {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(unix_s))
}

fn unix_s(at: SystemTime) -> Option<u64> {
    at.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn plan() -> (SecretName, Plan) {
        let name: SecretName = "jwt_secret".parse().unwrap();
        let overlap = OverlapPolicy { overlap: HOUR, token_life: HOUR, overlap_max: HOUR };
        let plan = Plan::new(&name, &Token::random().unwrap(), &VersionId::new("seen"), &overlap);
        (name, plan)
    }

    #[test]
    fn a_plan_is_loaded_back_is_private_and_is_never_overwritten_by_a_new_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwt_secret.plan");
        let (name, mut plan) = plan();
        assert!(Plan::load(&name, &path).unwrap().is_none());
        plan.save_new(&name, &path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(plan.save_new(&name, &path), Err(Error::Plan { .. })));
        plan.step = Step::Announced;
        plan.save(&name, &path).unwrap();
        let loaded = Plan::load(&name, &path).unwrap().unwrap();
        assert_eq!(
            (loaded.step, loaded.to(), loaded.from()),
            (Step::Announced, plan.to(), VersionId::new("seen"))
        );
        Plan::remove(&name, &path).unwrap();
        Plan::remove(&name, &path).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_plan_of_another_secret_or_a_malformed_plan_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plan");
        let (name, plan) = plan();
        plan.save(&name, &path).unwrap();
        assert!(Plan::load(&"session_key".parse().unwrap(), &path).is_err());
        fs::write(&path, "{}").unwrap();
        assert!(Plan::load(&name, &path).is_err());
    }

    #[test]
    fn the_overlap_starts_at_the_takeover() {
        let (_, mut plan) = plan();
        assert_eq!(plan.overlap_ends_at(), None);
        plan.set_promoted_at(SystemTime::UNIX_EPOCH + HOUR);
        assert_eq!(plan.overlap_ends_at(), Some(SystemTime::UNIX_EPOCH + 2 * HOUR));
    }
}
