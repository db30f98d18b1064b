//! Changes secrets. Each change is recorded before and after it is made, and can be repeated.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::Tag;

use super::SecretsManager;
use super::failure::{Cause, Failure};
use super::labels::{Label, stage_label, time};
use super::read::Selector;
use crate::error::{ConfigError, Error};
use crate::event::{Change, Event, Progress};
use crate::key_ring;
use crate::name::SecretName;
use crate::spec::SecretSpec;
use crate::text;
use crate::value::SecretValue;
use crate::version::Stage;
use crate::version_id::VersionId;

/// Limits of the recovery window, by AWS's rule.
const WINDOW_DAYS_MIN: u8 = 7;
const WINDOW_DAYS_MAX: u8 = 30;

/// An idempotency token, which becomes the id of the new version: a request that is sent twice creates one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token(VersionId);

/// The time during which a deleted secret can be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoveryWindow {
    /// Clamped to 7 to 30 days.
    Days(u8),
    /// Deleted at once.
    None,
}

impl Token {
    /// A random UUID of version 4 (RFC 9562).
    ///
    /// # Errors
    /// [`ConfigError::NoRandomness`].
    pub fn random() -> Result<Self, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| Error::Config(ConfigError::NoRandomness))?;
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let digits = hex::encode(bytes);
        let mut digits = digits.chars();
        let groups: [String; 5] = [8, 4, 4, 4, 12].map(|length| digits.by_ref().take(length).collect());
        Ok(Self(VersionId::new(&groups.join("-"))))
    }

    /// The token that creates this version.
    #[must_use]
    pub fn from_version(id: &VersionId) -> Self {
        Self(id.clone())
    }

    /// The id of the version that it creates.
    #[must_use]
    pub fn version(&self) -> &VersionId {
        &self.0
    }
}

impl fmt::Display for Token {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.0.as_str())
    }
}

impl SecretsManager {
    /// Makes `value` the current version, and creates the secret if it does not exist. Invalid values are not written, and
    /// older keys that are still needed are kept in the value.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a malformed value, [`Error::RotationInProgress`] while a rotation is not finished,
    /// [`Error::VersionConflict`] when another writer was faster, and as [`describe`](Self::describe).
    pub async fn set(
        &self,
        spec: &SecretSpec,
        value: &SecretValue,
        token: &Token,
    ) -> Result<VersionId, Error> {
        let clean = self.clean(spec, value)?;
        let description = match self.describe(&spec.name).await {
            Err(Error::NotFound { .. }) => return self.create(spec, &clean, token).await,
            description => description?,
        };
        if description.deletion_requested.is_some() {
            return Err(Error::Deleted { name: spec.name.clone(), origin: self.origin(&spec.name) });
        }
        match (description.version(&Label::Current), description.pending()) {
            (_, Some(other)) if other != *token.version() => {
                Err(Error::RotationInProgress { name: spec.name.clone(), token: other.as_str().to_owned() })
            }
            (Some(current), _) if current == *token.version() => Ok(current),
            (Some(current), _) => {
                let clean = self.keep_older_keys(spec, clean, &current).await?;
                self.put(&spec.name, &clean, token, Stage::Pending).await?;
                self.promote(&spec.name, token.version(), &current).await?;
                self.unlabel(&spec.name, token.version(), Stage::Pending).await?;
                Ok(token.version().clone())
            }
            (None, _) => self.put(&spec.name, &clean, token, Stage::Current).await,
        }
    }

    /// Creates a secret.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Invalid`] for a malformed value, [`Error::Audit`], and as
    /// [`describe`](Self::describe).
    pub async fn create(
        &self,
        spec: &SecretSpec,
        value: &SecretValue,
        token: &Token,
    ) -> Result<VersionId, Error> {
        let clean = self.clean(spec, value)?;
        self.create_unchecked(&spec.name, spec.purpose, &clean, token).await
    }

    pub(super) async fn create_unchecked(
        &self,
        name: &SecretName,
        purpose: &str,
        value: &SecretValue,
        token: &Token,
    ) -> Result<VersionId, Error> {
        let id = self.id(name);
        let send = |client: Arc<Client>| {
            let request = client.create_secret().name(&id).description(purpose);
            let request = request.client_request_token(token.version().as_str());
            match value.expose_text() {
                Some(text) => request.secret_string(text).send(),
                None => request.secret_binary(value.expose().to_vec().into()).send(),
            }
        };
        let call = self.inner.client.call("CreateSecret", &self.recorder, send);
        self.change(name, Change::Create(token.version().clone()), call)
            .await
            .map_err(ChangeError::into_error)?;
        Ok(token.version().clone())
    }

    /// Adds a version with a label, which is removed from other versions. Repeated with one token, it adds one version.
    ///
    /// # Errors
    /// [`Error::Exists`] when the token stands for another value, [`Error::Audit`], and as
    /// [`describe`](Self::describe).
    pub async fn put(
        &self,
        name: &SecretName,
        value: &SecretValue,
        token: &Token,
        stage: Stage,
    ) -> Result<VersionId, Error> {
        let id = self.id(name);
        let send = |client: Arc<Client>| {
            let request = client.put_secret_value().secret_id(&id).version_stages(stage_label(stage));
            let request = request.client_request_token(token.version().as_str());
            match value.expose_text() {
                Some(text) => request.secret_string(text).send(),
                None => request.secret_binary(value.expose().to_vec().into()).send(),
            }
        };
        let call = self.inner.client.call("PutSecretValue", &self.recorder, send);
        let change = Change::Put(token.version().clone(), stage);
        self.change(name, change, call).await.map_err(ChangeError::into_error)?;
        Ok(token.version().clone())
    }

    /// Makes `to` the current version, if `from` still is. It can be repeated.
    ///
    /// # Errors
    /// [`Error::VersionConflict`] when another version is current, [`Error::Audit`], and as
    /// [`describe`](Self::describe).
    pub async fn promote(&self, name: &SecretName, to: &VersionId, from: &VersionId) -> Result<(), Error> {
        match self.describe(name).await?.version(&Label::Current) {
            Some(current) if current == *to => return Ok(()),
            current => self.expect_current(name, current, from)?,
        }
        let id = self.id(name);
        let send = |client: Arc<Client>| {
            let request = client.update_secret_version_stage().secret_id(&id);
            let request = request.version_stage(stage_label(Stage::Current));
            // Naming the version that loses the label makes this a compare-and-swap.
            request.move_to_version_id(to.as_str()).remove_from_version_id(from.as_str()).send()
        };
        let call = self.inner.client.call("UpdateSecretVersionStage", &self.recorder, send);
        let change = Change::Promote { to: to.clone(), from: from.clone() };
        match self.change(name, change, call).await {
            Err(ChangeError { cause: Some(Cause::Invalid), error }) => {
                match self.describe(name).await?.version(&Label::Current) {
                    Some(current) if current == *to => Ok(()),
                    current => self.expect_current(name, current, from).and(Err(error)),
                }
            }
            result => result.map(drop).map_err(ChangeError::into_error),
        }
    }

    /// Removes a label from a version; nothing happens when the version does not have it.
    ///
    /// # Errors
    /// [`Error::Audit`], and as [`describe`](Self::describe).
    pub async fn unlabel(&self, name: &SecretName, version: &VersionId, stage: Stage) -> Result<(), Error> {
        let labels = self.describe(name).await?.labels;
        let label = Label::parse(stage_label(stage));
        if !labels.get(version.as_str()).is_some_and(|labels| labels.contains(&label)) {
            return Ok(());
        }
        let id = self.id(name);
        let send = |client: Arc<Client>| {
            let request = client.update_secret_version_stage().secret_id(&id);
            request.version_stage(stage_label(stage)).remove_from_version_id(version.as_str()).send()
        };
        let call = self.inner.client.call("UpdateSecretVersionStage", &self.recorder, send);
        let change = Change::Unlabel(version.clone(), stage);
        self.change(name, change, call).await.map(drop).map_err(ChangeError::into_error)
    }

    /// Deletes a secret and returns the time of its final deletion. Until then it cannot be read, but restored.
    ///
    /// # Errors
    /// [`Error::Audit`], and as [`describe`](Self::describe).
    pub async fn delete(
        &self,
        name: &SecretName,
        window: RecoveryWindow,
    ) -> Result<Option<SystemTime>, Error> {
        let id = self.id(name);
        let days = match window {
            RecoveryWindow::Days(days) => Some(days.clamp(WINDOW_DAYS_MIN, WINDOW_DAYS_MAX)),
            RecoveryWindow::None => None,
        };
        let send = |client: Arc<Client>| {
            let request = client.delete_secret().secret_id(&id);
            match days {
                Some(days) => request.recovery_window_in_days(days.into()).send(),
                None => request.force_delete_without_recovery(true).send(),
            }
        };
        let call = self.inner.client.call("DeleteSecret", &self.recorder, send);
        let output =
            self.change(name, Change::Delete { days }, call).await.map_err(ChangeError::into_error)?;
        Ok(time(output.deletion_date()))
    }

    /// Cancels a deletion.
    ///
    /// # Errors
    /// [`Error::NotFound`] after the recovery window, [`Error::Audit`], and as [`describe`](Self::describe).
    pub async fn restore(&self, name: &SecretName) -> Result<(), Error> {
        let id = self.id(name);
        let send = |client: Arc<Client>| client.restore_secret().secret_id(&id).send();
        let call = self.inner.client.call("RestoreSecret", &self.recorder, send);
        self.change(name, Change::Restore, call).await.map(drop).map_err(ChangeError::into_error)
    }

    /// Sets a tag. Never put a secret value in a tag: everyone with permission to list secrets can read it.
    ///
    /// # Errors
    /// [`Error::Audit`], and as [`describe`](Self::describe).
    pub async fn tag(&self, name: &SecretName, key: &str, value: &str) -> Result<(), Error> {
        let (id, tag) = (self.id(name), Tag::builder().key(key).value(value).build());
        let send = |client: Arc<Client>| client.tag_resource().secret_id(&id).tags(tag.clone()).send();
        let call = self.inner.client.call("TagResource", &self.recorder, send);
        let change = Change::Tag { key: key.to_owned() };
        self.change(name, change, call).await.map(drop).map_err(ChangeError::into_error)
    }

    /// Makes one change between the audit records of its intent and of its outcome.
    async fn change<T>(
        &self,
        name: &SecretName,
        change: Change,
        call: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, ChangeError> {
        let origin = self.origin(name);
        let event = |progress| {
            let (name, origin, change) = (name.clone(), origin.clone(), change.clone());
            Event::Mutation { name, origin, change, progress }
        };
        self.record(&event(Progress::Intended)).map_err(|error| ChangeError { cause: None, error })?;
        let result = call.await;
        let outcome =
            result.as_ref().map_or_else(|failure| Progress::Failed(failure.label()), |_| Progress::Done);
        let recorded = self.record(&event(outcome));
        match result {
            Ok(output) => recorded.map(|()| output).map_err(|error| ChangeError { cause: None, error }),
            Err(failure) => Err(ChangeError {
                cause: Some(failure.cause),
                error: failure.into_change_error(name, origin.clone()),
            }),
        }
    }

    pub(crate) fn record(&self, event: &Event) -> Result<(), Error> {
        (self.recorder)(event);
        (self.audit)(event).map_err(|_| Error::Audit)
    }

    pub(crate) fn clean(&self, spec: &SecretSpec, value: &SecretValue) -> Result<SecretValue, Error> {
        text::clean_value(spec, value, self.origin(&spec.name))
    }

    /// `value` with the keys of the current version and of the one before, if they are still needed.
    pub(crate) async fn keep_older_keys(
        &self,
        spec: &SecretSpec,
        value: SecretValue,
        current: &VersionId,
    ) -> Result<SecretValue, Error> {
        if !spec.needs_older_keys() {
            return Ok(value);
        }
        let current = self.find(&spec.name, &Selector::Id(current.clone())).await?;
        let mut older = vec![self.clean(spec, &current.value)?];
        match self.find(&spec.name, &Selector::Stage(Stage::Previous)).await {
            Ok(previous) => older.push(self.clean(spec, &previous.value)?),
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        key_ring::with_older_keys(spec, &value, &older.iter().collect::<Vec<_>>())
    }

    fn expect_current(
        &self,
        name: &SecretName,
        current: Option<VersionId>,
        expected: &VersionId,
    ) -> Result<(), Error> {
        if current.as_ref() == Some(expected) {
            return Ok(());
        }
        let actual = current.map_or_else(|| "none".to_owned(), |current| current.as_str().to_owned());
        Err(Error::VersionConflict { name: name.clone(), expected: expected.as_str().to_owned(), actual })
    }
}

/// A change that was not made, or that could not be recorded.
struct ChangeError {
    cause: Option<Cause>,
    error: Error,
}

impl ChangeError {
    fn into_error(self) -> Error {
        self.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_a_random_uuid_of_version_4() {
        let (one, two) = (Token::random().unwrap().to_string(), Token::random().unwrap().to_string());
        assert_ne!(one, two);
        let dashes: Vec<usize> = one.match_indices('-').map(|(at, _)| at).collect();
        assert_eq!((one.len(), dashes.as_slice()), (36, &[8, 13, 18, 23][..]));
        assert_eq!(one.as_bytes()[14], b'4');
        assert!(b"89ab".contains(&one.as_bytes()[19]), "{one}");
    }
}
