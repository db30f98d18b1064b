//! Announces rotations to every process that reads the same secrets, without losing what another one announced.

use super::SecretsManager;
use super::read::Which;
use super::write::Token;
use crate::announcement::{Announcement, Announcements, LEAF};
use crate::error::Error;
use crate::name::SecretName;
use crate::value::SecretValue;
use crate::version::{Stage, VersionId};

/// How often to begin again when someone else announced at the same moment.
const ATTEMPTS_MAX: usize = 8;
const PURPOSE: &str = "which versions of secrets are about to change; holds no secret";

impl SecretsManager {
    /// What is announced of a secret.
    ///
    /// # Errors
    /// As [`describe`](Self::describe).
    pub async fn announced(&self, name: &SecretName) -> Result<Announcement, Error> {
        let (all, _) = self.announcements().await?;
        Ok(all.of(name).cloned().unwrap_or_default())
    }

    /// Changes what is announced of a secret. A change that changes nothing is not written.
    pub(crate) async fn announce(
        &self,
        name: &SecretName,
        change: impl Fn(&mut Announcement),
    ) -> Result<(), Error> {
        let mut outcome = Ok(());
        for _ in 0..ATTEMPTS_MAX {
            let (before, version) = self.announcements().await?;
            let mut after = before.clone();
            after.change(name, &change);
            if after == before {
                return Ok(());
            }
            outcome = self.write(&after, version).await;
            if !matches!(outcome, Err(Error::VersionConflict { .. } | Error::Exists { .. })) {
                break;
            }
        }
        outcome
    }

    async fn announcements(&self) -> Result<(Announcements, Option<VersionId>), Error> {
        let (name, id) = (announcements_name(), self.announcements_id());
        match self.ask(&id, Which::Labelled(Stage::Current)).await {
            Ok(answer) => {
                let parsed = answer.value.expose_text().and_then(Announcements::parse);
                let all = parsed.ok_or(Error::Internal { name, what: "the announcements cannot be read" })?;
                Ok((all, Some(answer.id)))
            }
            Err(failure) => match failure.about(&name, self.origin(&name)) {
                Error::NotFound { .. } => Ok((Announcements::default(), None)),
                error => Err(error),
            },
        }
    }

    /// Writes all announcements, if `before` is still the current version of them.
    async fn write(&self, all: &Announcements, before: Option<VersionId>) -> Result<(), Error> {
        let (name, token) = (announcements_name(), Token::random()?);
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
        self.id(&announcements_name())
    }
}

fn announcements_name() -> SecretName {
    LEAF.parse().expect("the constant is a name")
}
