//! The document that announces rotations to every process: which version is about to take over, until when the previous
//! version is accepted, and which versions are revoked. It contains version ids and times, but no value.
//!
//! AWS's own labels say which version is current, but not until when the previous one is accepted, nor that a version
//! is revoked although it can still be read. So this document is stored beside the secrets and read with them, in the
//! same call. It is updated *before* labels move, so that a process that reads between the two steps has all it needs.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::name::SecretName;
use crate::version_id::VersionId;

/// The name of the document, as if it were a secret.
pub(crate) const DOCUMENT_NAME: &str = "rotation-announcements";
/// Revoked versions per secret; the oldest is forgotten first. AWS prunes its versions at 100.
const REVOKED_MAX: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Announcements {
    #[serde(default)]
    secrets: BTreeMap<String, Announcement>,
}

/// The announced rotation of one secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    /// The version that is about to take over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// The version in use: a read that returns the previous one is stale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// The version that was replaced, and until when it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousVersion>,
    /// Versions that are never accepted again, even where they can still be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<String>,
}

/// A version that was replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PreviousVersion {
    /// Its AWS version id.
    pub id: String,
    /// Until when it is accepted, in seconds since 1970; `None` until it is retired by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_unix_s: Option<u64>,
}

impl Announcements {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("maps of strings and numbers serialize to JSON")
    }

    pub(crate) fn get(&self, name: &SecretName) -> Option<&Announcement> {
        self.secrets.get(name.as_str())
    }

    /// Updates the announcement of one secret; an empty one is removed.
    pub(crate) fn update(&mut self, name: &SecretName, update: impl FnOnce(&mut Announcement)) {
        let announcement = self.secrets.entry(name.as_str().to_owned()).or_default();
        update(announcement);
        if *announcement == Announcement::default() {
            self.secrets.remove(name.as_str());
        }
    }
}

impl Announcement {
    fn is_revoked(&self, id: &VersionId) -> bool {
        self.revoked.iter().any(|revoked| revoked == id.as_str())
    }

    pub(crate) fn revoke(&mut self, id: &VersionId) {
        if !self.is_revoked(id) {
            self.revoked.push(id.as_str().to_owned());
        }
        let surplus = self.revoked.len().saturating_sub(REVOKED_MAX);
        self.revoked.drain(..surplus);
    }

    /// Whether a read that returned `version` is older than the announced promotion.
    pub(crate) fn is_stale(&self, version: &VersionId) -> bool {
        let current = self.current.as_deref().filter(|current| *current != version.as_str());
        current.is_some() && self.previous.as_ref().is_some_and(|previous| previous.id == version.as_str())
    }

    /// The version to accept beside `current` because it is about to take over.
    pub(crate) fn pending_overlap(&self, current: &VersionId) -> Option<VersionId> {
        self.pending
            .as_deref()
            .filter(|id| *id != current.as_str())
            .map(VersionId::new)
            .filter(|id| !self.is_revoked(id))
    }

    /// The previous version, if it is still accepted beside `current`, and its deadline.
    pub(crate) fn previous_overlap(
        &self,
        current: &VersionId,
        now: SystemTime,
    ) -> Option<(VersionId, Deadline)> {
        let previous = self.previous.as_ref().filter(|previous| previous.id != current.as_str())?;
        let (id, deadline) = (VersionId::new(&previous.id), previous.deadline());
        (!self.is_revoked(&id) && deadline.is_none_or(|until| now < until)).then_some((id, deadline))
    }

    /// Whether the announcement covers `version`. After a manual change it does not.
    pub(crate) fn covers(&self, version: &VersionId) -> bool {
        let is = |id: &String| id == version.as_str();
        self.current.as_ref().is_some_and(is) || self.pending.as_ref().is_some_and(is)
    }
}

/// Until when a version is accepted; `None` until it is retired by hand.
pub(crate) type Deadline = Option<SystemTime>;

impl PreviousVersion {
    pub(crate) fn new(id: &VersionId, until: Deadline) -> Self {
        let since_epoch = |until: SystemTime| until.duration_since(SystemTime::UNIX_EPOCH);
        let until_unix_s = until.and_then(|until| since_epoch(until).ok()).map(|since| since.as_secs());
        Self { id: id.as_str().to_owned(), until_unix_s }
    }

    fn deadline(&self) -> Deadline {
        self.until_unix_s.and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> VersionId {
        VersionId::new(text)
    }

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn the_previous_version_is_accepted_until_its_deadline_and_not_when_it_is_revoked_or_in_use() {
        let mut announcement = Announcement {
            previous: Some(PreviousVersion::new(&id("old"), Some(at(100)))),
            ..Default::default()
        };
        assert_eq!(announcement.previous_overlap(&id("new"), at(99)), Some((id("old"), Some(at(100)))));
        assert_eq!(announcement.previous_overlap(&id("new"), at(100)), None);
        assert_eq!(announcement.previous_overlap(&id("old"), at(0)), None, "labels have not moved yet");
        announcement.revoke(&id("old"));
        assert_eq!(announcement.previous_overlap(&id("new"), at(0)), None);
    }

    #[test]
    fn a_read_of_the_previous_version_is_stale_and_one_of_a_manual_version_is_not() {
        let announcement = Announcement {
            current: Some("new".to_owned()),
            previous: Some(PreviousVersion::new(&id("old"), None)),
            ..Default::default()
        };
        assert!(announcement.is_stale(&id("old")));
        assert!(!announcement.is_stale(&id("new")) && !announcement.is_stale(&id("by-hand")));
    }

    #[test]
    fn the_document_is_parsed_back_and_drops_empty_announcements() {
        let name: SecretName = "jwt_secret".parse().unwrap();
        let mut all = Announcements::default();
        all.update(&name, |announcement| announcement.pending = Some("token".to_owned()));
        assert_eq!(all.to_json(), r#"{"secrets":{"jwt_secret":{"pending":"token"}}}"#);
        assert_eq!(Announcements::parse(&all.to_json()), Some(all.clone()));
        all.update(&name, |announcement| announcement.pending = None);
        assert_eq!(all, Announcements::default());
        assert_eq!(Announcements::parse("<html>"), None);
    }

    #[test]
    fn the_list_of_revoked_versions_is_bounded() {
        let mut announcement = Announcement::default();
        (0..250).for_each(|number| announcement.revoke(&id(&number.to_string())));
        assert_eq!(
            (
                announcement.revoked.len(),
                announcement.is_revoked(&id("249")),
                announcement.is_revoked(&id("149"))
            ),
            (100, true, false)
        );
    }
}
