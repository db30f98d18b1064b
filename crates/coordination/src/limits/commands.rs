//! Sends the commands of limits to Redis: one at once, or those of many limits together.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rate_limit::shared::{Answer, Command};

use super::entry::{Entry, lock};
use super::{ADDRESS_IDLE, SharedLimits};
use crate::client::spread;
use crate::error::Error;

/// Limits that are reported in one command.
const REPORTS_MAX: usize = 64;
/// Longest time for the last reports of a replica that stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);
/// Arguments and answers of the script for each limit.
const ARGUMENTS: usize = 7;
const ANSWERS: usize = 3;

impl SharedLimits {
    /// Leaves the other replicas, reports everything, and gives back what was taken in advance.
    pub async fn drain(&self) {
        let last = async {
            self.0.replicas.leave().await;
            let (mut limits, mut returned) = (0, 0);
            // Twice, for what was granted to a question that was on its way.
            for _ in 0..2 {
                let commands = self.last_commands();
                limits += commands.len();
                returned += commands.iter().map(|(_, command)| command.returned).sum::<i64>();
                for batch in self.batches(commands) {
                    self.send_batch(batch).await;
                }
            }
            tracing::info!(limits, returned, "shared rate limits given back");
        };
        if tokio::time::timeout(DRAIN_TIMEOUT, last).await.is_err() {
            tracing::warn!("giving back shared rate limits timed out");
        }
    }

    fn last_commands(&self) -> Vec<(Arc<Entry>, Command)> {
        let moment = self.moment();
        let entries =
            self.0.entries.iter().flat_map(|entries| lock(entries).values().cloned().collect::<Vec<_>>());
        entries
            .filter_map(|entry| {
                let command = entry.state().drain(moment)?;
                Some((entry, command))
            })
            .collect()
    }

    /// Sends one command in the background.
    pub(super) fn send(&self, entry: &Arc<Entry>, command: Command) {
        let (limits, entry) = (self.clone(), Arc::clone(entry));
        tokio::spawn(async move { limits.send_batch(vec![(entry, command)]).await });
    }

    pub(super) fn report(&self) {
        let moment = self.moment();
        let active = std::mem::take(&mut *lock(&self.0.active));
        let mut commands = Vec::new();
        let mut kept = Vec::new();
        for entry in active {
            let mut state = entry.state();
            let command = state.report(moment);
            let is_settled = state.is_settled() || state.may_be_forgotten(ADDRESS_IDLE, moment);
            // While the state is locked, so that no change of it is missed.
            entry.is_active.store(!is_settled, Ordering::Relaxed);
            drop(state);
            if let Some(command) = command {
                commands.push((Arc::clone(&entry), command));
            }
            if !is_settled {
                kept.push(entry);
            }
        }
        lock(&self.0.active).append(&mut kept);
        for batch in self.batches(commands) {
            let limits = self.clone();
            tokio::spawn(async move { limits.send_batch(batch).await });
        }
    }

    /// Commands that can be sent together.
    fn batches(&self, mut commands: Vec<(Arc<Entry>, Command)>) -> Vec<Vec<(Arc<Entry>, Command)>> {
        let is_cluster = self.0.redis.is_cluster();
        let part = |entry: &Entry| if is_cluster { entry.id.part() } else { 0 };
        commands.sort_by_key(|(entry, _)| part(entry));
        let of_part = commands.chunk_by(|(one, _), (other, _)| part(one) == part(other));
        of_part.flat_map(|commands| commands.chunks(REPORTS_MAX)).map(<[_]>::to_vec).collect()
    }

    async fn send_batch(&self, batch: Vec<(Arc<Entry>, Command)>) {
        let result = self.run_script(&batch).await;
        let now = self.now();
        for (index, (entry, command)) in batch.iter().enumerate() {
            let mut state = entry.state();
            match result.as_ref().ok().and_then(|answers| answers.get(index)) {
                Some(answer) => {
                    let jitter_percent = u32::try_from(spread(100, 25)).unwrap_or(100);
                    state.answer(command, answer, now, jitter_percent);
                }
                None => state.fail(command, now),
            }
            drop(state);
            entry.is_answered.notify_waiters();
        }
    }

    pub(super) async fn run_script(&self, batch: &[(Arc<Entry>, Command)]) -> Result<Vec<Answer>, Error> {
        let keys: Vec<String> = batch.iter().map(|(entry, _)| entry.id.key()).collect();
        let mut arguments = Vec::with_capacity(batch.len() * ARGUMENTS);
        for (entry, command) in batch {
            let Command { spent, returned, want, is_all_or_nothing, floor_us, sent_at: _ } = command;
            let (period_us, burst) = {
                let state = entry.state();
                (state.period_us(), state.limit().burst)
            };
            arguments.extend([period_us, burst.to_string()]);
            arguments.extend([spent, returned, want, floor_us].map(ToString::to_string));
            arguments.push(u8::from(*is_all_or_nothing).to_string());
        }
        let numbers: Vec<i64> = self.0.redis.run_script(&self.0.script, &keys, &arguments).await?;
        let answers = numbers.chunks_exact(ANSWERS).map(|numbers| Answer {
            granted: numbers[0],
            arrival_us: numbers[1],
            server_us: numbers[2],
        });
        Ok(answers.collect())
    }
}
