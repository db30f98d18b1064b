//! Which work is due, of the channels that this program knows; and what there is of others.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use webhooks::Channel;

use crate::database::{Backend, Row, Transaction, values};
use crate::error::Error;

/// Channels of others that are named in the log, at most.
const STRANGERS_MAX: u32 = 16;

static ANY: LazyLock<Arc<str>> = LazyLock::new(|| {
    let known = known();
    format!(
        "SELECT 1 AS found WHERE \
         EXISTS (SELECT 1 FROM webhook_work w JOIN webhook_events e ON e.id = w.event_id \
         WHERE w.state = 'pending' AND w.next_at <= $1 AND e.channel IN {known}) \
         OR EXISTS (SELECT 1 FROM webhook_work WHERE state = 'leased' AND lease_until <= $1)"
    )
    .into()
});

static DUE: LazyLock<Arc<str>> = LazyLock::new(|| due("").into());
// Who takes work at this moment holds its row.
static DUE_UNHELD: LazyLock<Arc<str>> = LazyLock::new(|| due(" FOR UPDATE OF w SKIP LOCKED").into());

static STRANGE: LazyLock<Arc<str>> = LazyLock::new(|| {
    let known = known();
    format!(
        "SELECT e.channel, COUNT(*) AS number FROM webhook_work w JOIN webhook_events e ON e.id = w.event_id \
         WHERE w.state = 'pending' AND e.channel NOT IN {known} GROUP BY e.channel ORDER BY e.channel LIMIT $1"
    )
    .into()
});

fn due(end: &str) -> String {
    let known = known();
    format!(
        "SELECT w.id, w.event_id, w.cause, w.attempts, e.channel, e.event_type, e.object, e.received_at, e.body \
         FROM webhook_work w JOIN webhook_events e ON e.id = w.event_id \
         WHERE w.state = 'pending' AND w.next_at <= $1 AND e.channel IN {known} \
         AND NOT EXISTS (SELECT 1 FROM webhook_work l \
         WHERE l.state = 'leased' AND l.provider = w.provider AND l.object = w.object) ORDER BY w.id LIMIT $2{end}"
    )
}

/// The channels that this program knows, as a list of SQL: words of ours, without quotes in them.
fn known() -> String {
    format!("('{}')", Channel::ALL.map(Channel::as_str).join("', '"))
}

/// Whether there is anything to take, or to take back.
pub(super) async fn is_there_any(tx: &mut Transaction<'_>, now: Timestamp) -> Result<bool, Error> {
    Ok(!tx.rows_made(ANY.clone(), values![now]).await?.is_empty())
}

/// Up to `max` pieces of work that are due, oldest first.
pub(super) async fn rows(tx: &mut Transaction<'_>, max: u32, now: Timestamp) -> Result<Vec<Row>, Error> {
    let sql = match tx.backend() {
        Backend::Sqlite => &DUE,
        Backend::Postgres => &DUE_UNHELD,
    };
    tx.rows_made(Arc::clone(sql), values![now, max]).await
}

/// What came in by channels that this program does not know. It counts as unfinished for its provider, and is told of once.
#[derive(Debug, Default)]
pub(crate) struct Strangers {
    were_told: AtomicBool,
}

impl Strangers {
    /// Says in the log that there is such work, the first time that there is.
    pub(super) async fn tell(&self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        if self.were_told.load(Ordering::Relaxed) {
            return Ok(());
        }
        for row in tx.rows_made(STRANGE.clone(), values![STRANGERS_MAX]).await? {
            self.were_told.store(true, Ordering::Relaxed);
            let (channel, events) = (row.text("channel")?, row.int("number")?);
            tracing::warn!(
                channel,
                events,
                "events of a channel that this program does not know are left to a newer one"
            );
        }
        Ok(())
    }
}
