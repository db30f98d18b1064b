//! Many current versions in few calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::batch_get_secret_value::BatchGetSecretValueOutput;
use tokio::task::JoinSet;

use super::SecretsManager;
use super::failure::Failure;
use super::read::{Answered, Which};
use crate::version::Stage;

/// Most secrets in one call, by AWS's rule.
const BATCH_SECRETS_MAX: usize = 20;

type Answers = HashMap<String, Result<Answered, Failure>>;

impl SecretsManager {
    /// The current version of each id, in the order asked: in batches, and one by one where a batch gave no lasting answer.
    pub(super) async fn current(&self, ids: Vec<String>) -> Vec<Result<Answered, Failure>> {
        let mut answers = if self.is_one_by_one() { Answers::new() } else { self.batches(&ids).await };
        let is_open = |id: &&String| {
            let answer = answers.get(*id);
            answer.is_none_or(|answer| {
                answer.as_ref().is_err_and(|failure| failure.is_of_one() && failure.is_transient())
            })
        };
        let open: Vec<String> = ids.iter().filter(is_open).cloned().collect();
        answers.extend(self.singles(open).await);
        ids.iter().map(|id| answers.remove(id).unwrap_or_else(|| Err(Failure::unintelligible()))).collect()
    }

    async fn batches(&self, ids: &[String]) -> Answers {
        let mut tasks = JoinSet::new();
        for ids in ids.chunks(BATCH_SECRETS_MAX) {
            let (this, ids) = (self.clone(), ids.to_vec());
            tasks.spawn(async move { this.batch(ids).await });
        }
        tasks.join_all().await.into_iter().flatten().collect()
    }

    /// One call. An id that is missing from the result is open.
    async fn batch(&self, ids: Vec<String>) -> Answers {
        let send = |client: Arc<Client>| {
            client.batch_get_secret_value().set_secret_id_list(Some(ids.clone())).send()
        };
        match self.inner.client.call("BatchGetSecretValue", &self.recorder, send).await {
            Ok(answer) => taken_apart(answer),
            Err(failure) if failure.is_denied() => {
                // The right to batch is one of its own; the right to each secret is asked of each.
                self.inner.is_one_by_one.store(true, Ordering::Relaxed);
                Answers::new()
            }
            Err(failure) => ids.into_iter().map(|id| (id, Err(failure.clone()))).collect(),
        }
    }

    async fn singles(&self, ids: Vec<String>) -> Answers {
        let mut tasks = JoinSet::new();
        for id in ids {
            let this = self.clone();
            tasks.spawn(async move {
                let answer = this.ask(&id, Which::Labelled(Stage::Current)).await;
                (id, answer)
            });
        }
        tasks.join_all().await.into_iter().collect()
    }
}

fn taken_apart(answer: BatchGetSecretValueOutput) -> Answers {
    let failures = answer.errors.into_iter().flatten().filter_map(|error| {
        let (code, message) = (error.error_code.unwrap_or_default(), error.message.unwrap_or_default());
        Some((error.secret_id?, Err(Failure::of_batch(&code, &message))))
    });
    let values = answer.secret_values.into_iter().flatten().filter_map(|entry| {
        let created = entry.created_date;
        let answer =
            Answered::new(entry.version_id, entry.secret_string, entry.secret_binary, created.as_ref());
        Some((entry.name?, answer))
    });
    failures.chain(values).collect()
}
