//! Reads many current versions in few calls.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::batch_get_secret_value::BatchGetSecretValueOutput;
use tokio::task::JoinSet;

use super::SecretsManager;
use super::failure::Failure;
use super::read::{Selector, VersionResponse};

/// Secrets per call, by AWS's limit.
const BATCH_SECRETS_MAX: usize = 20;

type Responses = HashMap<String, Result<VersionResponse, Failure>>;

impl SecretsManager {
    /// The current version of each id, in the order of `ids`: in batches, and one by one if a batch has no final result.
    pub(super) async fn current(&self, ids: Vec<String>) -> Vec<Result<VersionResponse, Failure>> {
        let batches = if self.is_one_by_one() { Some(Responses::new()) } else { self.batches(&ids).await };
        let is_denied = batches.is_none();
        let mut responses = batches.unwrap_or_default();
        let is_open = |id: &&String| {
            responses.get(*id).is_none_or(|response| {
                response.as_ref().is_err_and(|failure| failure.is_of_entry() && failure.is_transient())
            })
        };
        let open: Vec<String> = ids.iter().filter(is_open).cloned().collect();
        let singles = self.singles(open).await;
        // Batches need a separate permission. It is missing if another one is granted.
        if is_denied && singles.values().any(Result::is_ok) {
            self.inner.is_one_by_one.store(true, Ordering::Relaxed);
        }
        responses.extend(singles);
        ids.iter().map(|id| responses.remove(id).unwrap_or_else(|| Err(Failure::malformed()))).collect()
    }

    /// `None` when the policy does not grant them.
    async fn batches(&self, ids: &[String]) -> Option<Responses> {
        let mut tasks = JoinSet::new();
        for ids in ids.chunks(BATCH_SECRETS_MAX) {
            let (this, ids) = (self.clone(), ids.to_vec());
            tasks.spawn(async move { this.batch(ids).await });
        }
        let batches: Option<Vec<Responses>> = tasks.join_all().await.into_iter().collect();
        Some(batches?.into_iter().flatten().collect())
    }

    /// One call. An id without a result is missing in the map; `None` when the policy does not grant it.
    async fn batch(&self, ids: Vec<String>) -> Option<Responses> {
        let send = |client: Arc<Client>| {
            client.batch_get_secret_value().set_secret_id_list(Some(ids.clone())).send()
        };
        match self.inner.client.call("BatchGetSecretValue", &self.recorder, send).await {
            Ok(output) => Some(parse_batch(output)),
            Err(failure) if failure.is_denied() => None,
            Err(failure) => Some(ids.into_iter().map(|id| (id, Err(failure.clone()))).collect()),
        }
    }

    async fn singles(&self, ids: Vec<String>) -> Responses {
        let mut tasks = JoinSet::new();
        for id in ids {
            let this = self.clone();
            tasks.spawn(async move {
                let response = this.get_value(&id, &Selector::CURRENT).await;
                (id, response)
            });
        }
        tasks.join_all().await.into_iter().collect()
    }
}

fn parse_batch(output: BatchGetSecretValueOutput) -> Responses {
    let failures = output.errors.into_iter().flatten().filter_map(|error| {
        let (code, message) = (error.error_code.unwrap_or_default(), error.message.unwrap_or_default());
        Some((error.secret_id?, Err(Failure::from_batch_entry(&code, &message))))
    });
    let values = output.secret_values.into_iter().flatten().filter_map(|entry| {
        let created = entry.created_date;
        let response = VersionResponse::new(
            entry.version_id,
            entry.secret_string,
            entry.secret_binary,
            created.as_ref(),
        );
        Some((entry.name?, response))
    });
    failures.chain(values).collect()
}
