//! Updates the announcements of rotations, without losing a concurrent update.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::SecretsManager;
use super::read::Selector;
use super::write::Token;
use crate::announcement::{Announcement, Announcements, DOCUMENT_NAME};
use crate::error::Error;
use crate::name::SecretName;
use crate::value::SecretValue;
use crate::version::Stage;
use crate::version_id::VersionId;

/// Pauses before an update is repeated after a conflict with another writer.
const CONFLICT_BACKOFF: ExponentialBuilder =
    ExponentialBuilder::new().with_min_delay(Duration::from_millis(10)).with_max_times(7).with_jitter();
const PURPOSE: &str = "versions of secrets that are about to change; holds no secret value";

impl SecretsManager {
    /// The announcement for a secret; an empty one when there is none.
    ///
    /// # Errors
    /// As [`describe`](Self::describe).
    pub async fn announcement(&self, name: &SecretName) -> Result<Announcement, Error> {
        let (all, _) = self.announcements().await?;
        Ok(all.get(name).cloned().unwrap_or_default())
    }

    /// Updates the announcement of a secret. An update that changes nothing is not written.
    pub(crate) async fn announce(
        &self,
        name: &SecretName,
        update: impl Fn(&mut Announcement),
    ) -> Result<(), Error> {
        let mut pauses = CONFLICT_BACKOFF.build();
        loop {
            let (before, version) = self.announcements().await?;
            let mut after = before.clone();
            after.update(name, &update);
            if after == before {
                return Ok(());
            }
            match (self.write(&after, version).await, pauses.next()) {
                (Err(Error::VersionConflict { .. } | Error::Exists { .. }), Some(pause)) => {
                    tokio::time::sleep(pause).await;
                }
                (result, _) => return result,
            }
        }
    }

    async fn announcements(&self) -> Result<(Announcements, Option<VersionId>), Error> {
        let (name, id) = (document_name(), self.announcements_id());
        match self.get_value(&id, &Selector::CURRENT).await {
            Ok(response) => {
                let all = response.value.expose_text().and_then(Announcements::parse);
                let all = all.ok_or(Error::Internal { name, what: "the announcements are malformed" })?;
                Ok((all, Some(response.id)))
            }
            Err(failure) => match failure.into_error(&name, self.origin(&name)) {
                Error::NotFound { .. } => Ok((Announcements::default(), None)),
                error => Err(error),
            },
        }
    }

    /// Writes all announcements, if `before` is still their current version.
    async fn write(&self, all: &Announcements, before: Option<VersionId>) -> Result<(), Error> {
        let (name, token) = (document_name(), Token::random()?);
        let document = SecretValue::from_string(all.to_json());
        match before {
            None => self.create_unchecked(&name, PURPOSE, &document, &token).await.map(drop),
            Some(before) => {
                self.put(&name, &document, &token, Stage::Pending).await?;
                self.promote(&name, token.version(), &before).await
            }
        }
    }

    pub(super) fn announcements_id(&self) -> String {
        self.id(&document_name())
    }
}

fn document_name() -> SecretName {
    DOCUMENT_NAME.parse().expect("the constant is a valid name")
}
