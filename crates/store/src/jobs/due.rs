//! Due jobs, on the channels that this version supports.

use std::sync::LazyLock;

use jiff::Timestamp;

use crate::database::{Row, Transaction, sql};
use crate::error::Error;
use crate::proof::EVENT_COLUMNS;
use crate::unknown_channels::known_channels;

static ANY: LazyLock<String> = LazyLock::new(|| {
    let channels = known_channels();
    format!(
        "SELECT 1 AS found WHERE \
         EXISTS (SELECT 1 FROM webhook_jobs j JOIN webhook_events e ON e.id = j.event_id \
         WHERE j.state = 'pending' AND j.next_at <= $1 AND e.channel IN {channels}) \
         OR EXISTS (SELECT 1 FROM webhook_jobs WHERE state = 'leased' AND lease_until <= $1)"
    )
});

static DUE: LazyLock<String> = LazyLock::new(|| due(""));
// Another worker may hold the row to lease the job.
static DUE_UNLOCKED: LazyLock<String> = LazyLock::new(|| due(" FOR UPDATE OF j SKIP LOCKED"));

fn due(end: &str) -> String {
    let channels = known_channels();
    format!(
        "SELECT j.id, j.event_id, j.cause, j.attempts, {EVENT_COLUMNS}, e.headers, e.body, e.proof \
         FROM webhook_jobs j JOIN webhook_events e ON e.id = j.event_id \
         WHERE j.state = 'pending' AND j.next_at <= $1 AND e.channel IN {channels} \
         AND NOT EXISTS (SELECT 1 FROM webhook_jobs l \
         WHERE l.state = 'leased' AND l.provider = j.provider AND l.resource = j.resource) ORDER BY j.id LIMIT $2{end}"
    )
}

/// Whether any job is due, or any lease has expired.
pub(super) async fn is_any(tx: &mut Transaction<'_>, now: Timestamp) -> Result<bool, Error> {
    Ok(tx.fetch_optional(sql!(ANY.as_str(), now)).await?.is_some())
}

/// Up to `max` due jobs, oldest first.
pub(super) async fn rows(tx: &mut Transaction<'_>, max: u32, now: Timestamp) -> Result<Vec<Row>, Error> {
    let due = tx.backend().pick(&DUE, &DUE_UNLOCKED);
    tx.fetch_all(sql!(due, now, max)).await
}
