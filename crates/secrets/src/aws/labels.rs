//! The staging labels of versions, and the description of a secret without its value.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::DateTime;
use aws_sdk_secretsmanager::types::Tag;

use super::SecretsManager;
use crate::error::Error;
use crate::name::SecretName;
use crate::version::Stage;
use crate::version_id::VersionId;

/// A staging label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// `AWSPENDING`.
    Pending,
    /// `AWSCURRENT`.
    Current,
    /// `AWSPREVIOUS`.
    Previous,
    /// A label that AWS does not define.
    Other(String),
}

/// A secret without its value.
#[derive(Clone, Debug)]
pub struct Description {
    /// Time at which deletion was requested. The secret cannot be read, but restored.
    pub deletion_requested: Option<SystemTime>,
    /// The labels of each version that has one, by version id.
    pub labels: BTreeMap<String, Vec<Label>>,
    /// Tags, which everyone with permission to list secrets can read.
    pub tags: BTreeMap<String, String>,
}

/// One version in a list.
#[derive(Clone, Debug)]
pub struct ListedVersion {
    /// Id assigned by AWS.
    pub id: VersionId,
    /// Labels; AWS prunes versions without one.
    pub labels: Vec<Label>,
    /// Time of creation.
    pub created: Option<SystemTime>,
}

impl Description {
    /// The version with a label.
    #[must_use]
    pub fn version(&self, label: &Label) -> Option<VersionId> {
        self.labels.iter().find(|(_, labels)| labels.contains(label)).map(|(id, _)| VersionId::new(id))
    }

    /// The version that is about to take over. AWS may leave the label on a version that already did.
    #[must_use]
    pub fn pending(&self) -> Option<VersionId> {
        self.version(&Label::Pending).filter(|id| Some(id) != self.version(&Label::Current).as_ref())
    }

    pub(crate) fn has(&self, id: &VersionId) -> bool {
        self.labels.contains_key(id.as_str())
    }
}

impl Label {
    pub(super) fn parse(name: &str) -> Self {
        match name {
            "AWSPENDING" => Self::Pending,
            "AWSCURRENT" => Self::Current,
            "AWSPREVIOUS" => Self::Previous,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// The label of a stage.
pub(super) fn stage_label(stage: Stage) -> &'static str {
    match stage {
        Stage::Pending => "AWSPENDING",
        Stage::Current => "AWSCURRENT",
        Stage::Previous => "AWSPREVIOUS",
    }
}

/// `None` for a time before 1970.
pub(super) fn time(at: Option<&DateTime>) -> Option<SystemTime> {
    let since = u64::try_from(at?.secs()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since))
}

fn pair(tag: &Tag) -> Option<(String, String)> {
    Some((tag.key()?.to_owned(), tag.value()?.to_owned()))
}

fn parse_labels(names: &[String]) -> Vec<Label> {
    names.iter().map(|name| Label::parse(name)).collect()
}

impl SecretsManager {
    /// The description of a secret.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AccessDenied`] or [`Error::Unavailable`].
    pub async fn describe(&self, name: &SecretName) -> Result<Description, Error> {
        let id = self.id(name);
        let send = |client: Arc<Client>| client.describe_secret().secret_id(&id).send();
        let output = self.inner.client.call("DescribeSecret", &self.recorder, send).await;
        let output = output.map_err(|failure| failure.into_error(name, self.origin(name)))?;
        let labels = output.version_ids_to_stages.iter().flatten();
        Ok(Description {
            deletion_requested: time(output.deleted_date()),
            labels: labels.map(|(id, names)| (id.clone(), parse_labels(names))).collect(),
            tags: output.tags().iter().filter_map(pair).collect(),
        })
    }

    /// Every version that has a label, newest first.
    ///
    /// # Errors
    /// As [`describe`](Self::describe).
    pub async fn versions(&self, name: &SecretName) -> Result<Vec<ListedVersion>, Error> {
        let id = self.id(name);
        let send = |client: Arc<Client>| client.list_secret_version_ids().secret_id(&id).send();
        let output = self.inner.client.call("ListSecretVersionIds", &self.recorder, send).await;
        let output = output.map_err(|failure| failure.into_error(name, self.origin(name)))?;
        let mut versions: Vec<ListedVersion> = output
            .versions()
            .iter()
            .map(|version| ListedVersion {
                id: VersionId::new(version.version_id().unwrap_or_default()),
                labels: parse_labels(version.version_stages()),
                created: time(version.created_date()),
            })
            .filter(|version| !version.labels.is_empty())
            .collect();
        versions.sort_by_key(|version| std::cmp::Reverse(version.created));
        Ok(versions)
    }
}
