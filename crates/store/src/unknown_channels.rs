//! Events of channels that this program does not know. A newer one has received them, before a rollback or during a rolling
//! update, and will apply them: they are neither leased nor given up, and count as unfinished for their provider.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use webhooks::Channel;

use crate::database::{Transaction, sql};
use crate::error::Error;

/// Most channels that are named in the log.
const CHANNELS_MAX: u32 = 16;

static UNKNOWN: LazyLock<String> = LazyLock::new(|| {
    let known = known_channels();
    format!(
        "SELECT e.channel, COUNT(*) AS count FROM webhook_jobs j JOIN webhook_events e ON e.id = j.event_id \
         WHERE j.state = 'pending' AND e.channel NOT IN {known} GROUP BY e.channel ORDER BY e.channel LIMIT $1"
    )
});

/// The channels that this program knows, as a list in SQL. None has a quote in its name.
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
            tracing::warn!(channel, events, "events of an unknown channel left to a newer version");
        }
        Ok(())
    }
}
