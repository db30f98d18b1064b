//! Reads secrets: one version, or all current ones with what is announced of them.

use std::sync::Arc;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::primitives::{Blob, DateTime};
use tokio::task::JoinSet;

use super::SecretsManager;
use super::failure::{Cause, Failure};
use super::labels::{spelled, time};
use crate::announcement::{Announcement, Announcements, Deadline};
use crate::error::{Error, Outage};
use crate::name::SecretName;
use crate::origin::Grade;
use crate::provider::{Announced, Beside, Found, Rotating, Selector};
use crate::value::SecretValue;
use crate::version::{Created, Stage, VersionId};

/// How long to wait for a place that lags behind itself.
const LAG: std::time::Duration = std::time::Duration::from_secs(1);

/// One version as the service answers with it.
pub(super) struct Answered {
    pub(super) value: SecretValue,
    pub(super) id: VersionId,
    pub(super) created: Created,
}

impl Answered {
    /// Takes an answer apart; without a version or a value it is none.
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
            (None, _) | (_, None) => Err(Failure::unintelligible()),
        }
    }
}

/// A version to ask for. A label is always sent: without it some emulators answer with another version than AWS.
#[derive(Clone)]
pub(super) enum Which {
    Labelled(Stage),
    /// The version of this id. Its label may be gone, so none is sent.
    Exactly(VersionId),
}

impl SecretsManager {
    /// One version of one secret; the current one with what is announced of it.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::AccessDenied`], [`Error::Deleted`] or [`Error::Unavailable`].
    pub async fn find(&self, name: &SecretName, which: &Selector) -> Result<Found, Error> {
        let which = match which {
            Selector::Current => {
                let mut found = self.find_many(vec![name.clone()]).await;
                return found.pop().unwrap_or_else(|| {
                    Err(Error::Internal { name: name.clone(), what: "the service was not asked" })
                });
            }
            Selector::Previous => Which::Labelled(Stage::Previous),
            Selector::Pending => Which::Labelled(Stage::Pending),
            Selector::Version(id) => Which::Exactly(id.clone()),
        };
        self.version(name, which).await
    }

    /// The current version of many secrets, in the order asked.
    pub(super) async fn find_many(&self, names: Vec<SecretName>) -> Vec<Result<Found, Error>> {
        let ids = names.iter().map(|name| self.id(name)).chain([self.announcements_id()]).collect();
        let mut answers = self.current(ids).await;
        let told = told(answers.pop());
        let mut tasks = JoinSet::new();
        let mut found: Vec<Option<Result<Found, Error>>> = Vec::new();
        for (place, (name, answer)) in names.iter().zip(answers).enumerate() {
            let answer = answer.map_err(|failure| failure.about(name, self.origin(name)));
            let announced = told.as_ref().map(|told| told.of(name));
            found.push(match (answer, announced) {
                (Ok(answer), Some(Some(announced))) => {
                    let (this, name, announced) = (self.clone(), name.clone(), announced.clone());
                    tasks.spawn(async move { (place, this.beside(&name, answer, announced).await) });
                    None
                }
                (Ok(answer), Some(None)) => Some(Ok(self.found(name, answer, Announced::Nothing))),
                (Ok(answer), None) => Some(Ok(self.found(name, answer, Announced::Unknown))),
                (Err(error), _) => Some(Err(error)),
            });
        }
        while let Some(Ok((place, rotating))) = tasks.join_next().await {
            found[place] = Some(rotating);
        }
        let lost = |name: &SecretName| Error::Internal { name: name.clone(), what: "a call panicked" };
        names.iter().zip(found).map(|(name, found)| found.unwrap_or_else(|| Err(lost(name)))).collect()
    }

    /// The current version, and those which are announced beside it.
    async fn beside(
        &self,
        name: &SecretName,
        mut current: Answered,
        announced: Announcement,
    ) -> Result<Found, Error> {
        if announced.is_behind(&current.id) {
            current = self.caught_up(name, &announced).await?;
        }
        let previous = announced.previous_beside(&current.id, (self.inner.clock)());
        let pending = announced.pending_beside(&current.id).map(|id| (id, None));
        let rotating = Rotating {
            pending: self.version_beside(name, pending).await,
            previous: self.version_beside(name, previous).await,
            is_told_of_current: announced.speaks_of(&current.id),
            denied: announced.denied.iter().map(|id| VersionId::new(id)).collect(),
        };
        Ok(self.found(name, current, Announced::Rotating(rotating)))
    }

    async fn version_beside(
        &self,
        name: &SecretName,
        which: Option<(VersionId, Deadline)>,
    ) -> Option<Beside> {
        let (id, until) = which?;
        let found = self.version(name, Which::Exactly(id.clone())).await.ok();
        Some(Beside { id, found: found.map(Box::new), until })
    }

    /// Asks once more, alone and by label, after an answer that was older than what is announced.
    async fn caught_up(&self, name: &SecretName, announced: &Announcement) -> Result<Answered, Error> {
        let answer = self.ask(&self.id(name), Which::Labelled(Stage::Current)).await;
        let answer = answer.map_err(|failure| failure.about(name, self.origin(name)))?;
        if announced.is_behind(&answer.id) {
            let (name, origin) = (name.clone(), self.origin(name));
            return Err(Error::Unavailable { name, origin, outage: Outage::Lagging, retry_in: LAG });
        }
        Ok(answer)
    }

    async fn version(&self, name: &SecretName, which: Which) -> Result<Found, Error> {
        let answer = self.ask(&self.id(name), which).await;
        answer
            .map(|answer| self.found(name, answer, Announced::Nothing))
            .map_err(|failure| failure.about(name, self.origin(name)))
    }

    /// One version, in a call of its own.
    pub(super) async fn ask(&self, id: &str, which: Which) -> Result<Answered, Failure> {
        let send = |client: Arc<Client>| {
            let request = client.get_secret_value().secret_id(id);
            match &which {
                Which::Labelled(stage) => request.version_stage(spelled(*stage)).send(),
                Which::Exactly(version) => request.version_id(version.as_str()).send(),
            }
        };
        let answer = self.inner.client.call("GetSecretValue", &self.recorder, send).await?;
        let created = answer.created_date;
        Answered::new(answer.version_id, answer.secret_string, answer.secret_binary, created.as_ref())
    }

    fn found(&self, name: &SecretName, answer: Answered, announced: Announced) -> Found {
        let Answered { value: raw, id, created } = answer;
        let (origin, grade) = (self.origin(name), Grade::Secure);
        Found { raw, origin, id: Some(id), created, grade, warnings: Vec::new(), announced }
    }
}

/// The announcements, when they can be had; a document that nobody wrote yet announces nothing.
fn told(answer: Option<Result<Answered, Failure>>) -> Option<Announcements> {
    match answer? {
        Ok(answer) => Announcements::parse(answer.value.expose_text()?),
        Err(failure) => (failure.cause == Cause::NotFound).then(Announcements::default),
    }
}
