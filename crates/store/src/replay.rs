//! Applies stored events again: by filter, or dead letters. Events do not change; each replay adds a job.

use jiff::Timestamp;
use serde_json::json;

use crate::actor::Actor;
use crate::database::{Backend, Operation, Statement, Transaction, retry, sql};
use crate::error::Error;
use crate::events::EventFilter;
use crate::ids::{EventId, JobId};
use crate::store::Store;

/// Most events of one call.
pub const REPLAY_MAX: u32 = 1_000;

/// Lock of replays, because two at once would apply the same events twice, and of retention, because a replayed event needs
/// its body.
pub(crate) const LOCK: &str = "SELECT pg_advisory_xact_lock(4211500172)";

/// The events of one replay call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplayBatch {
    /// Number of events that will be applied again.
    pub events: u32,
    /// The `after` of the next call; `None` after the last.
    pub next_after: Option<EventId>,
}

/// Events with a finished latest job and a body; conditions follow.
const REPLAYABLE: &str = " FROM webhook_events e JOIN webhook_jobs j ON j.id = \
    (SELECT MAX(latest.id) FROM webhook_jobs latest WHERE latest.event_id = e.id) \
    WHERE e.redacted_at IS NULL AND j.state IN ('done', 'unhandled', 'dead', 'requeued')";

/// Without events whose id came with other content, which no worker has attempted: both may not be right, so that a person
/// names the one to apply.
const ATTEMPTED: &str = " AND NOT (j.state = 'unhandled' AND j.attempts = 0)";

/// Without events that a person posted with a journal: applied as well, they would count twice. A person names the one to
/// apply, and its review opens again.
const NOT_POSTED: &str = " AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.subject = 'event/' || e.id \
    AND r.journal IS NOT NULL)";

const CLOSE_DEAD: &str = "UPDATE webhook_jobs SET state = 'requeued' WHERE id IN (SELECT j.id FROM webhook_jobs j \
    JOIN webhook_events e ON e.id = j.event_id WHERE j.state = 'dead' AND e.redacted_at IS NULL";
const CLOSE_DEAD_OF: &str = "UPDATE webhook_jobs SET state = 'requeued' WHERE state = 'dead' AND event_id IN";
const ADD_JOBS: &str = "INSERT INTO webhook_jobs (event_id, provider, resource, cause, state, next_at, created_at) \
    SELECT id, provider, resource, $1, 'pending', $2, $2 FROM webhook_events WHERE id IN";

impl Store {
    /// Number of events that a replay would apply again: events of the filter with a finished job and a body.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn count_replayable(&self, filter: &EventFilter) -> Result<u64, Error> {
        let statement = replayable(sql!("SELECT COUNT(*) AS count"), filter);
        self.shared.database.reader(Operation::Events).await?.begin().await?.count(statement).await
    }

    /// Replays up to [`REPLAY_MAX`] events after `after`, in order of their ids. Call again with [`ReplayBatch::next_after`]
    /// until it is `None`.
    ///
    /// # Errors
    /// [`Error`] of the database; none of these events is replayed.
    pub async fn replay(
        &self,
        filter: &EventFilter,
        after: Option<EventId>,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<ReplayBatch, Error> {
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Events).await?;
            let mut tx = writer.begin().await?;
            if tx.backend() == Backend::Postgres {
                tx.script(LOCK).await?;
            }
            let replayable = replayable(sql!("SELECT e.id"), filter)
                .push_optional(" AND e.id > ", after.map(EventId::get))
                .push_sql(" ORDER BY e.id LIMIT ")
                .push_value(REPLAY_MAX);
            let events = event_ids(&mut tx, replayable, "id").await?;
            let Some(last) = events.last().copied() else {
                return Ok(ReplayBatch { events: 0, next_after: None });
            };
            tx.execute(sql!(CLOSE_DEAD_OF).push_in(events.iter().map(|id| id.get()))).await?;
            add_jobs(&mut tx, &events, "replay", now).await?;
            let (object, detail) =
                (format!("webhook_events/{}", events.len()), json!({ "filter": filter, "events": events }));
            self.commit(tx, actor.entry("webhooks.replay", &object, &detail, now)?).await?;
            let count = u32::try_from(events.len()).unwrap_or(REPLAY_MAX);
            Ok(ReplayBatch { events: count, next_after: (count == REPLAY_MAX).then_some(last) })
        })
        .await
    }

    /// Requeues dead letters: these jobs, or up to [`REPLAY_MAX`] if `jobs` is empty. Each gets a new job with all attempts.
    /// Returns their number.
    ///
    /// # Errors
    /// [`Error`] of the database; none is requeued.
    pub async fn requeue(&self, jobs: &[JobId], actor: Actor<'_>, now: Timestamp) -> Result<u32, Error> {
        retry(async || {
            let mut writer = self.shared.database.writer(Operation::Events).await?;
            let mut tx = writer.begin().await?;
            let events = close_dead(&mut tx, jobs).await?;
            if events.is_empty() {
                return Ok(0);
            }
            add_jobs(&mut tx, &events, "requeue", now).await?;
            let (object, detail) = (format!("webhook_jobs/{}", events.len()), json!({ "events": events }));
            self.commit(tx, actor.entry("webhooks.requeue", &object, &detail, now)?).await?;
            Ok(u32::try_from(events.len()).unwrap_or(REPLAY_MAX))
        })
        .await
    }
}

fn replayable(select: Statement, filter: &EventFilter) -> Statement {
    let statement = filter.apply(select.push_sql(REPLAYABLE));
    if filter.ids.is_empty() { statement.push_sql(ATTEMPTED).push_sql(NOT_POSTED) } else { statement }
}

/// Closes dead jobs and returns their events. A job whose event has no body stays dead.
async fn close_dead(tx: &mut Transaction<'_>, jobs: &[JobId]) -> Result<Vec<EventId>, Error> {
    let mut statement = sql!(CLOSE_DEAD);
    if jobs.is_empty() {
        statement = statement.push_sql(NOT_POSTED);
    } else {
        let jobs = jobs.iter().take(REPLAY_MAX as usize).map(|id| id.get());
        statement = statement.push_sql(" AND j.id IN").push_in(jobs);
    }
    let statement = statement.push_sql(" ORDER BY j.id LIMIT ").push_value(REPLAY_MAX);
    let statement = statement.push_sql(") AND state = 'dead' RETURNING event_id");
    let mut events = event_ids(tx, statement, "event_id").await?;
    events.sort_unstable();
    Ok(events)
}

pub(crate) async fn event_ids(
    tx: &mut Transaction<'_>,
    statement: Statement,
    column: &str,
) -> Result<Vec<EventId>, Error> {
    tx.fetch_all(statement).await?.iter().map(|row| Ok(EventId::new(row.int(column)?))).collect()
}

async fn add_jobs(
    tx: &mut Transaction<'_>,
    events: &[EventId],
    cause: &'static str,
    now: Timestamp,
) -> Result<(), Error> {
    let events = events.iter().map(|id| id.get());
    tx.execute(sql!(ADD_JOBS, cause, now).push_in(events).push_sql(" ORDER BY id")).await?;
    Ok(())
}
