//! What replicas are told of rotations: which version is about to take over, which one still counts, and which never
//! again. It holds version ids and times, and no value.
//!
//! AWS's own labels say which version is which, but not until when the one before is accepted, nor that a version must
//! be refused though it is still offered. So this document lies beside the secrets and is read with them, in the same
//! call. It is told *before* labels move: a replica that reads between the two knows all that it needs.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::name::SecretName;
use crate::version::VersionId;

/// The name under which the document lies beside the secrets.
pub(crate) const LEAF: &str = "rotation-announcements";
/// Most denied versions of one secret; the oldest is forgotten first. AWS prunes its versions at 100.
const DENIED_MAX: usize = 100;

/// What is announced of all secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Announcements {
    #[serde(default)]
    secrets: BTreeMap<String, Announcement>,
}

/// What is announced of one secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Announcement {
    /// The version that is about to take over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// The version in use: an answer with the one before it comes from a place that lags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<String>,
    /// The version before, and until when it is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Leaving>,
    /// Versions that are accepted no longer, wherever they are still offered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
}

/// A version on its way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaving {
    /// The version.
    pub id: String,
    /// Until when it is accepted, in seconds since 1970; without it, until it is retired by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_unix_s: Option<u64>,
}

impl Announcements {
    /// Reads the document. A text that is none is no announcement, and its reader says so.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    pub(crate) fn to_json(&self) -> String {
        serde_json::to_string(self).expect("maps of texts and numbers have a JSON form")
    }

    pub(crate) fn of(&self, name: &SecretName) -> Option<&Announcement> {
        self.secrets.get(name.as_str())
    }

    /// Changes what is announced of one secret; one of which nothing is left is dropped.
    pub(crate) fn change(&mut self, name: &SecretName, change: impl FnOnce(&mut Announcement)) {
        let announcement = self.secrets.entry(name.as_str().to_owned()).or_default();
        change(announcement);
        if *announcement == Announcement::default() {
            self.secrets.remove(name.as_str());
        }
    }
}

impl Announcement {
    /// Whether a version is accepted no longer.
    #[must_use]
    pub fn denies(&self, id: &VersionId) -> bool {
        self.denied.iter().any(|denied| denied == id.as_str())
    }

    pub(crate) fn deny(&mut self, id: &VersionId) {
        if !self.denies(id) {
            self.denied.push(id.as_str().to_owned());
        }
        let surplus = self.denied.len().saturating_sub(DENIED_MAX);
        self.denied.drain(..surplus);
    }

    /// Whether a place that answers with `found` has not yet heard of the promotion.
    pub(crate) fn is_behind(&self, found: &VersionId) -> bool {
        let current = self.current.as_deref().filter(|current| *current != found.as_str());
        current.is_some() && self.previous.as_ref().is_some_and(|previous| previous.id == found.as_str())
    }

    /// The version to accept beside `current` because it is about to take over.
    pub(crate) fn pending_beside(&self, current: &VersionId) -> Option<VersionId> {
        self.pending
            .as_deref()
            .filter(|id| *id != current.as_str())
            .map(VersionId::new)
            .filter(|id| !self.denies(id))
    }

    /// The version to accept beside `current` because its time is not over, and when it is.
    pub(crate) fn previous_beside(
        &self,
        current: &VersionId,
        now: SystemTime,
    ) -> Option<(VersionId, Deadline)> {
        let leaving = self.previous.as_ref().filter(|leaving| leaving.id != current.as_str())?;
        let (id, deadline) = (VersionId::new(&leaving.id), leaving.deadline());
        (!self.denies(&id) && deadline.is_none_or(|until| now < until)).then_some((id, deadline))
    }

    /// Whether this speaks of `found` at all. After a change by hand it does not, and the class's overlap rules.
    pub(crate) fn speaks_of(&self, found: &VersionId) -> bool {
        let is = |id: &String| id == found.as_str();
        self.current.as_ref().is_some_and(is) || self.pending.as_ref().is_some_and(is)
    }
}

/// When a version is accepted no longer; without it, when it is retired by hand.
pub(crate) type Deadline = Option<SystemTime>;

impl Leaving {
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
    fn a_version_counts_until_its_deadline_and_not_when_it_is_denied_or_in_use() {
        let mut told =
            Announcement { previous: Some(Leaving::new(&id("old"), Some(at(100)))), ..Default::default() };
        assert_eq!(told.previous_beside(&id("new"), at(99)), Some((id("old"), Some(at(100)))));
        assert_eq!(told.previous_beside(&id("new"), at(100)), None);
        assert_eq!(told.previous_beside(&id("old"), at(0)), None, "labels have not moved yet");
        told.deny(&id("old"));
        assert_eq!(told.previous_beside(&id("new"), at(0)), None);
    }

    #[test]
    fn an_answer_with_the_version_before_is_behind_and_one_by_hand_is_not() {
        let told = Announcement {
            current: Some("new".to_owned()),
            previous: Some(Leaving::new(&id("old"), None)),
            ..Default::default()
        };
        assert!(told.is_behind(&id("old")));
        assert!(!told.is_behind(&id("new")) && !told.is_behind(&id("by-hand")));
    }

    #[test]
    fn the_document_reads_back_and_forgets_what_is_over() {
        let name: SecretName = "jwt_secret".parse().unwrap();
        let mut all = Announcements::default();
        all.change(&name, |told| told.pending = Some("token".to_owned()));
        assert_eq!(all.to_json(), r#"{"secrets":{"jwt_secret":{"pending":"token"}}}"#);
        assert_eq!(Announcements::parse(&all.to_json()), Some(all.clone()));
        all.change(&name, |told| told.pending = None);
        assert_eq!(all, Announcements::default());
        assert_eq!(Announcements::parse("<html>"), None);
    }

    #[test]
    fn the_list_of_denied_versions_is_bounded() {
        let mut told = Announcement::default();
        (0..250).for_each(|number| told.deny(&id(&number.to_string())));
        assert_eq!((told.denied.len(), told.denies(&id("249")), told.denies(&id("149"))), (100, true, false));
    }
}
