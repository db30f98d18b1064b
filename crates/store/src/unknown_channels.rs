//! Events of unknown channels. A newer version received them, before a rollback or during a rolling update, and will apply
//! them: they are neither leased nor given up, and count as unfinished.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use webhooks::Channel;

use crate::database::{Transaction, sql};
use crate::error::Error;

/// Most channels in the log.
const CHANNELS_MAX: u32 = 16;

static UNKNOWN: LazyLock<String> = LazyLock::new(|| {
    let channels = known_channels();
    format!(
        "SELECT e.channel, COUNT(*) AS count FROM webhook_jobs j JOIN webhook_events e ON e.id = j.event_id \
         WHERE j.state = 'pending' AND e.channel NOT IN {channels} GROUP BY e.channel ORDER BY e.channel LIMIT $1"
    )
});

/// The channels of this version, as a list in SQL. Their names contain no quotes.
pub(crate) fn known_channels() -> String {
    format!("('{}')", Channel::all().map(Channel::as_str).collect::<Vec<_>>().join("', '"))
}

#[derive(Debug, Default)]
pub(crate) struct UnknownChannels {
    has_warned: AtomicBool,
}

impl UnknownChannels {
    /// Logs the unknown channels of pending jobs, the first time that there are any.
    pub(crate) async fn warn_once(&self, tx: &mut Transaction<'_>) -> Result<(), Error> {
        if self.has_warned.load(Ordering::Relaxed) {
            return Ok(());
        }
        for row in tx.fetch_all(sql!(UNKNOWN.as_str(), CHANNELS_MAX)).await? {
            self.has_warned.store(true, Ordering::Relaxed);
            let (channel, events) = (row.text("channel")?, row.int("count")?);
            tracing::warn!(channel, events, "events of an unknown channel left for a newer version");
        }
        Ok(())
    }
}
