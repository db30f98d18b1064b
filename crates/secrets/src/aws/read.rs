//! Reads secrets: one version, or all current ones with the announcements of their rotations.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::{Blob, DateTime};
use tokio::task::JoinSet;

use super::SecretsManager;
use super::failure::{Cause, Failure};
use super::labels::{stage_label, time};
use crate::announcement::{Announcement, Announcements, Deadline};
use crate::error::{Error, Outage};
use crate::name::SecretName;
use crate::rotation_state::{RotationState, RotationUpdate};
use crate::source::{OverlapVersion, RawSecret};
use crate::value::SecretValue;
use crate::version::{Created, Stage};
use crate::version_id::VersionId;

/// How long to wait after a stale read.
const STALE_READ_RETRY_IN: Duration = Duration::from_secs(1);

/// One version as the service returned it.
pub(super) struct VersionResponse {
    pub(super) value: SecretValue,
    pub(super) id: VersionId,
    created: Created,
}

/// The version to read. A stage label is always sent, because some emulators return a wrong version without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The version with the label of this stage.
    Stage(Stage),
    /// The version with this id, which may have lost its label.
    Id(VersionId),
}

impl Selector {
    /// The version in use.
    pub const CURRENT: Self = Self::Stage(Stage::Current);
}

impl VersionResponse {
    /// A response without an id or a value is malformed.
    pub(super) fn new(
        id: Option<String>,
        text: Option<String>,
        binary: Option<Blob>,
        created: Option<&DateTime>,
    ) -> Result<Self, Failure> {
        let text = text.map(SecretValue::from_string);
        let value = text.or_else(|| binary.map(|bytes| SecretValue::from_vec(bytes.into_inner())));
        match (value, id) {
            (Some(value), Some(id)) => {
                let created = time(created).map_or(Created::Unknown, Created::Aws);
                Ok(Self { value, id: VersionId::new(&id), created })
            }
            (None, _) | (_, None) => Err(Failure::malformed()),
        }
    }
}

impl SecretsManager {
    /// One version of one secret; the current version includes its announced rotation.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AccessDenied`], [`Error::Deleted`] or [`Error::Unavailable`].
    pub async fn find(&self, name: &SecretName, selector: &Selector) -> Result<RawSecret, Error> {
        if *selector != Selector::CURRENT {
            return self.version(name, selector).await;
        }
        let mut results = self.find_many(vec![name.clone()]).await;
        results.pop().unwrap_or_else(|| {
            Err(Error::Internal { name: name.clone(), what: "the service returned no result" })
        })
    }

    /// The current versions of many secrets, in the order of `names`.
    pub(super) async fn find_many(&self, names: Vec<SecretName>) -> Vec<Result<RawSecret, Error>> {
        let ids = names.iter().map(|name| self.id(name)).chain([self.announcements_id()]).collect();
        let mut responses = self.current(ids).await;
        let announcements = self.parse_announcements(responses.pop());
        let mut tasks = JoinSet::new();
        let mut results: Vec<Option<Result<RawSecret, Error>>> = Vec::new();
        for (index, (name, response)) in names.iter().zip(responses).enumerate() {
            let response = response.map_err(|failure| failure.into_error(name, self.origin(name)));
            let announcement = announcements.as_ref().map(|announcements| announcements.get(name));
            results.push(match (response, announcement) {
                (Ok(response), Some(Some(announcement))) => {
                    let (this, name, announcement) = (self.clone(), name.clone(), announcement.clone());
                    tasks.spawn(async move {
                        (index, this.with_overlap_versions(&name, response, announcement).await)
                    });
                    None
                }
                (Ok(response), Some(None)) => Some(Ok(self.raw_secret(name, response, RotationUpdate::None))),
                (Ok(response), None) => Some(Ok(self.raw_secret(name, response, RotationUpdate::Unknown))),
                (Err(error), _) => Some(Err(error)),
            });
        }
        while let Some(Ok((index, result))) = tasks.join_next().await {
            results[index] = Some(result);
        }
        let lost = |name: &SecretName| Error::Internal { name: name.clone(), what: "the call panicked" };
        names.iter().zip(results).map(|(name, result)| result.unwrap_or_else(|| Err(lost(name)))).collect()
    }

    /// Adds the versions that are announced beside the current one.
    async fn with_overlap_versions(
        &self,
        name: &SecretName,
        mut current: VersionResponse,
        announcement: Announcement,
    ) -> Result<RawSecret, Error> {
        if announcement.is_stale(&current.id) {
            current = self.read_again(name, &announcement).await?;
        }
        let previous = announcement.previous_overlap(&current.id, (self.inner.clock)());
        let pending = announcement.pending_overlap(&current.id).map(|id| (id, None));
        let state = RotationState {
            pending: self.overlap_version(name, pending).await,
            previous: self.overlap_version(name, previous).await,
            covers_current: announcement.covers(&current.id),
            revoked: announcement.revoked.iter().map(|id| VersionId::new(id)).collect(),
        };
        Ok(self.raw_secret(name, current, RotationUpdate::Active(Box::new(state))))
    }

    async fn overlap_version(
        &self,
        name: &SecretName,
        version: Option<(VersionId, Deadline)>,
    ) -> Option<OverlapVersion> {
        let (id, accepted_until) = version?;
        let secret = self.version(name, &Selector::Id(id.clone())).await.ok();
        Some(OverlapVersion { id, secret: secret.map(Box::new), accepted_until })
    }

    /// Reads again after a stale read, alone and by label.
    async fn read_again(
        &self,
        name: &SecretName,
        announcement: &Announcement,
    ) -> Result<VersionResponse, Error> {
        let response = self.get_value(&self.id(name), &Selector::CURRENT).await;
        let response = response.map_err(|failure| failure.into_error(name, self.origin(name)))?;
        if announcement.is_stale(&response.id) {
            let (name, origin, retry_in) = (name.clone(), self.origin(name), STALE_READ_RETRY_IN);
            return Err(Error::Unavailable { name, origin, outage: Outage::StaleRead, retry_in });
        }
        Ok(response)
    }

    /// `None` when the announcements could not be read. A document that never existed has no announcements; one that was read
    /// before and is not found now ends no rotation, because nothing removes it but a slip.
    fn parse_announcements(
        &self,
        response: Option<Result<VersionResponse, Failure>>,
    ) -> Option<Announcements> {
        let seen = &self.inner.has_announcements;
        match response? {
            Ok(response) => {
                seen.store(true, Ordering::Relaxed);
                Announcements::parse(response.value.expose_text()?)
            }
            Err(failure) if failure.cause == Cause::NotFound && !seen.load(Ordering::Relaxed) => {
                Some(Announcements::default())
            }
            Err(_) => None,
        }
    }

    async fn version(&self, name: &SecretName, selector: &Selector) -> Result<RawSecret, Error> {
        let response = self.get_value(&self.id(name), selector).await;
        response
            .map(|response| self.raw_secret(name, response, RotationUpdate::None))
            .map_err(|failure| failure.into_error(name, self.origin(name)))
    }

    /// One version, in a call of its own.
    pub(super) async fn get_value(&self, id: &str, selector: &Selector) -> Result<VersionResponse, Failure> {
        let send = |client: Arc<Client>| {
            let request = client.get_secret_value().secret_id(id);
            match selector {
                Selector::Stage(stage) => request.version_stage(stage_label(*stage)).send(),
                Selector::Id(version) => request.version_id(version.as_str()).send(),
            }
        };
        let output = self.inner.client.call("GetSecretValue", &self.recorder, send).await?;
        let created = output.created_date;
        VersionResponse::new(output.version_id, output.secret_string, output.secret_binary, created.as_ref())
    }

    fn raw_secret(
        &self,
        name: &SecretName,
        response: VersionResponse,
        rotation: RotationUpdate<OverlapVersion>,
    ) -> RawSecret {
        let VersionResponse { value, id, created } = response;
        RawSecret { id: Some(id), created, rotation, ..RawSecret::new(value, self.origin(name)) }
    }
}
