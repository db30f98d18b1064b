//! Applying kept deliveries again: by filter, and those that were given up. What was delivered stays as it was; each time
//! adds a piece of work.

use audit::Entry;
use jiff::Timestamp;
use serde_json::json;

use crate::actor::Actor;
use crate::chain;
use crate::database::{Backend, Statement, Transaction, Tries};
use crate::error::Error;
use crate::events::Filter;
use crate::ids::{EventId, WorkId};
use crate::store::Store;

/// Deliveries that one call asks for again, at most.
pub const REPLAY_MAX: u32 = 1_000;

/// Two replays at once would each find the same deliveries finished, and ask for them twice; they wait for each other. So
/// does who empties bodies: what is asked for again must be there.
pub(crate) const ALONE: &str = "SELECT pg_advisory_xact_lock(4211500172)";

/// A part of a replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Deliveries that will be applied again.
    pub events: u32,
    /// What to go on after; `None` when that was all.
    pub next_after: Option<EventId>,
}

/// Deliveries with finished work and a body that can still be read; conditions follow.
const REPLAYABLE: &str = " FROM webhook_events e JOIN webhook_work w ON w.id = \
    (SELECT MAX(latest.id) FROM webhook_work latest WHERE latest.event_id = e.id) \
    WHERE e.redacted_at IS NULL AND w.state IN ('done', 'unhandled', 'dead', 'requeued')";

impl Store {
    /// How many deliveries a replay would apply again: those of the filter whose work is finished and whose body is kept.
    ///
    /// # Errors
    /// [`Error`] of the database.
    pub async fn count_replayable(&self, filter: &Filter) -> Result<u64, Error> {
        let mut statement = Statement::new("SELECT COUNT(*) AS events");
        statement.words(REPLAYABLE);
        filter.narrow(&mut statement);
        let (sql, values) = statement.finish();
        let mut reader = self.shared.database.reader().await?;
        let rows = reader.begin().await?.rows_made(sql, values).await?;
        let row = rows.first().ok_or_else(|| Error::unreadable("events"))?;
        Ok(row.int("events")?.cast_unsigned())
    }

    /// Asks for up to [`REPLAY_MAX`] deliveries again, those after `after` in the order of their ids. Call again with
    /// [`Replayed::next_after`] until that is `None`.
    ///
    /// # Errors
    /// [`Error`] of the database; then nothing of this part will be applied again.
    pub async fn replay(
        &self,
        filter: &Filter,
        after: Option<EventId>,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<Replayed, Error> {
        let mut tries = Tries::default();
        loop {
            match self.try_replay(filter, after, actor, now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_replay(
        &self,
        filter: &Filter,
        after: Option<EventId>,
        actor: Actor<'_>,
        now: Timestamp,
    ) -> Result<Replayed, Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        if tx.backend() == Backend::Postgres {
            tx.script(ALONE).await?;
        }
        let events = replayable(&mut tx, filter, after).await?;
        let Some(last) = events.last().copied() else {
            return Ok(Replayed { events: 0, next_after: None });
        };
        close_dead_of(&mut tx, &events).await?;
        add_work(&mut tx, &events, "replay", now).await?;
        let detail = json!({ "filter": filter, "events": events }).to_string();
        let object = format!("webhook_events/{}", events.len());
        let entry = Entry::new(now, actor.name, "webhooks.replay", &object, actor.request_id, &detail)?;
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await?;
        let count = u32::try_from(events.len()).unwrap_or(REPLAY_MAX);
        Ok(Replayed { events: count, next_after: (count == REPLAY_MAX).then_some(last) })
    }

    /// Asks again for deliveries that were given up: these pieces of work, or up to [`REPLAY_MAX`] when `which` is empty.
    /// Each starts anew with all its attempts. Says how many there were.
    ///
    /// # Errors
    /// [`Error`] of the database; then nothing was asked for.
    pub async fn requeue(&self, which: &[WorkId], actor: Actor<'_>, now: Timestamp) -> Result<u32, Error> {
        let mut tries = Tries::default();
        loop {
            match self.try_requeue(which, actor, now).await {
                Err(error) if tries.again(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    async fn try_requeue(&self, which: &[WorkId], actor: Actor<'_>, now: Timestamp) -> Result<u32, Error> {
        let mut writer = self.shared.database.writer().await?;
        let mut tx = writer.begin().await?;
        let events = close_dead(&mut tx, which).await?;
        if events.is_empty() {
            return Ok(0);
        }
        add_work(&mut tx, &events, "requeue", now).await?;
        let detail = json!({ "events": events }).to_string();
        let object = format!("webhook_work/{}", events.len());
        let entry = Entry::new(now, actor.name, "webhooks.requeue", &object, actor.request_id, &detail)?;
        chain::append(&mut tx, &self.shared.key, entry).await?;
        tx.commit().await?;
        Ok(u32::try_from(events.len()).unwrap_or(REPLAY_MAX))
    }
}

async fn replayable(
    tx: &mut Transaction<'_>,
    filter: &Filter,
    after: Option<EventId>,
) -> Result<Vec<EventId>, Error> {
    let mut statement = Statement::new("SELECT e.id");
    statement.words(REPLAYABLE);
    filter.narrow(&mut statement);
    statement.given(" AND e.id > ", after.map(EventId::get));
    statement.words(" ORDER BY e.id LIMIT ").value(REPLAY_MAX);
    let (sql, values) = statement.finish();
    let rows = tx.rows_made(sql, values).await?;
    rows.iter().map(|row| Ok(EventId::new(row.int("id")?))).collect()
}

/// Closes work that was given up, and names its deliveries. Those whose body is gone stay closed as they are.
async fn close_dead(tx: &mut Transaction<'_>, which: &[WorkId]) -> Result<Vec<EventId>, Error> {
    let mut statement = Statement::new(
        "UPDATE webhook_work SET state = 'requeued' WHERE id IN (SELECT w.id FROM webhook_work w \
         JOIN webhook_events e ON e.id = w.event_id WHERE w.state = 'dead' AND e.redacted_at IS NULL",
    );
    if !which.is_empty() {
        statement.among(" AND w.id IN", which.iter().take(REPLAY_MAX as usize).map(|id| id.get()));
    }
    statement
        .words(" ORDER BY w.id LIMIT ")
        .value(REPLAY_MAX)
        .words(") AND state = 'dead' RETURNING event_id");
    let (sql, values) = statement.finish();
    let rows = tx.rows_made(sql, values).await?;
    let events: Result<Vec<EventId>, Error> =
        rows.iter().map(|row| Ok(EventId::new(row.int("event_id")?))).collect();
    let mut events = events?;
    events.sort_unstable();
    Ok(events)
}

/// Closes work that was given up on these deliveries: it is done anew.
async fn close_dead_of(tx: &mut Transaction<'_>, events: &[EventId]) -> Result<(), Error> {
    let mut statement = Statement::new("UPDATE webhook_work SET state = 'requeued' WHERE state = 'dead'");
    statement.among(" AND event_id IN", events.iter().map(|id| id.get()));
    let (sql, values) = statement.finish();
    tx.execute_made(sql, values).await?;
    Ok(())
}

async fn add_work(
    tx: &mut Transaction<'_>,
    events: &[EventId],
    cause: &'static str,
    now: Timestamp,
) -> Result<(), Error> {
    let mut statement = Statement::new(
        "INSERT INTO webhook_work (event_id, provider, object, cause, state, next_at, created_at) \
         SELECT id, provider, object, ",
    );
    statement.value(cause).words(", 'pending', ").value(now).words(", ").value(now);
    statement
        .among(" FROM webhook_events WHERE id IN", events.iter().map(|id| id.get()))
        .words(" ORDER BY id");
    let (sql, values) = statement.finish();
    tx.execute_made(sql, values).await?;
    Ok(())
}
