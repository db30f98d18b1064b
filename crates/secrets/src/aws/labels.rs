//! The labels that say which version is which, and what is told of a secret without its value.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::Tag;

use super::SecretsManager;
use crate::error::Error;
use crate::name::SecretName;
use crate::version::{Stage, VersionId};

/// A label, as AWS spells it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// `AWSPENDING`.
    Pending,
    /// `AWSCURRENT`.
    Current,
    /// `AWSPREVIOUS`.
    Previous,
    /// One that somebody made up.
    Other(String),
}

/// What is told of a secret without its value.
#[derive(Clone, Debug)]
pub struct Description {
    /// Its ARN.
    pub arn: String,
    /// When it was made.
    pub created: Option<SystemTime>,
    /// When it, a label or a tag was last changed.
    pub changed: Option<SystemTime>,
    /// When it was last read, to the day.
    pub accessed: Option<SystemTime>,
    /// When its deletion was asked for; such a secret can be restored and not be read.
    pub deletion_asked: Option<SystemTime>,
    /// Labels by version; versions without one are not told.
    pub labels: BTreeMap<String, Vec<Label>>,
    /// What people and tools are told of it.
    pub tags: BTreeMap<String, String>,
}

/// One version in a list.
#[derive(Clone, Debug)]
pub struct ListedVersion {
    /// Its id.
    pub id: VersionId,
    /// Its labels; without one it is only waiting to be pruned.
    pub labels: Vec<Label>,
    /// When it was made.
    pub created: Option<SystemTime>,
}

impl Description {
    /// The version under a label.
    #[must_use]
    pub fn version(&self, label: &Label) -> Option<VersionId> {
        self.labels.iter().find(|(_, labels)| labels.contains(label)).map(|(id, _)| VersionId::new(id))
    }

    /// The version that was made to take over and has not. AWS may leave the label on one that did.
    #[must_use]
    pub fn pending(&self) -> Option<VersionId> {
        self.version(&Label::Pending).filter(|id| Some(id) != self.version(&Label::Current).as_ref())
    }

    pub(crate) fn has(&self, id: &VersionId) -> bool {
        self.labels.contains_key(id.as_str())
    }
}

impl Label {
    pub(super) fn named(name: &str) -> Self {
        match name {
            "AWSPENDING" => Self::Pending,
            "AWSCURRENT" => Self::Current,
            "AWSPREVIOUS" => Self::Previous,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// How AWS spells a stage.
pub(super) fn spelled(stage: Stage) -> &'static str {
    match stage {
        Stage::Pending => "AWSPENDING",
        Stage::Current => "AWSCURRENT",
        Stage::Previous => "AWSPREVIOUS",
    }
}

/// A time before 1970 is no time of ours.
pub(super) fn time(at: Option<&DateTime>) -> Option<SystemTime> {
    let since = u64::try_from(at?.secs()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since))
}

fn pair(tag: &Tag) -> Option<(String, String)> {
    Some((tag.key()?.to_owned(), tag.value()?.to_owned()))
}

fn named(names: &[String]) -> Vec<Label> {
    names.iter().map(|name| Label::named(name)).collect()
}

impl SecretsManager {
    /// What is told of a secret without its value.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AccessDenied`] or [`Error::Unavailable`].
    pub async fn describe(&self, name: &SecretName) -> Result<Description, Error> {
        let id = self.id(name);
        let send = |client: std::sync::Arc<aws_sdk_secretsmanager::Client>| {
            let request = client.describe_secret().secret_id(&id);
            request.send()
        };
        let answer = self.inner.client.call("DescribeSecret", &self.recorder, send).await;
        let answer = answer.map_err(|failure| failure.about(name, self.origin(name)))?;
        let labels = answer.version_ids_to_stages.iter().flatten();
        Ok(Description {
            arn: answer.arn().unwrap_or_default().to_owned(),
            created: time(answer.created_date()),
            changed: time(answer.last_changed_date()),
            accessed: time(answer.last_accessed_date()),
            deletion_asked: time(answer.deleted_date()),
            labels: labels.map(|(id, names)| (id.clone(), named(names))).collect(),
            tags: answer.tags().iter().filter_map(pair).collect(),
        })
    }

    /// Every version that has a label, newest first.
    ///
    /// # Errors
    /// As [`describe`](Self::describe).
    pub async fn versions(&self, name: &SecretName) -> Result<Vec<ListedVersion>, Error> {
        let id = self.id(name);
        let send = |client: std::sync::Arc<aws_sdk_secretsmanager::Client>| {
            client.list_secret_version_ids().secret_id(&id).send()
        };
        let answer = self.inner.client.call("ListSecretVersionIds", &self.recorder, send).await;
        let answer = answer.map_err(|failure| failure.about(name, self.origin(name)))?;
        let mut versions: Vec<ListedVersion> = answer
            .versions()
            .iter()
            .map(|version| ListedVersion {
                id: VersionId::new(version.version_id().unwrap_or_default()),
                labels: named(version.version_stages()),
                created: time(version.created_date()),
            })
            .filter(|version| !version.labels.is_empty())
            .collect();
        versions.sort_by_key(|version| std::cmp::Reverse(version.created));
        Ok(versions)
    }
}
