//! Shares SQLite's only writer between the inbox and all other callers.
//!
//! Providers wait for the inbox: while deliveries arrive, the others write for a third of the time, and for a tenth while many
//! deliveries wait. While no deliveries arrive, they write without pauses.
//!
//! ```text
//! sender ─┐
//! sender ─┼─> inbox queue ──> batcher ─────────────────────────────┐
//! sender ─┘                                                        ├─> writer mutex ──> SQLite's file lock
//! worker ─┐                  pause, if the inbox wrote or waited   │   first come,      against other
//! replay ─┼─> others mutex ─>in the last 20 ms: 2 or 9 times as ───┘   first served     processes
//! audit  ─┘   one at a time  long as the last of the others wrote
//! ```

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time without a delivery after which the inbox counts as quiet.
const QUIET_AFTER: Duration = Duration::from_millis(20);
/// Pause of the others, as a multiple of the time that they wrote.
const PAUSE_FACTOR: u32 = 2;
/// Deliveries in one batch of the inbox from which on they count as arriving faster than they are written.
const CROWDED_BATCH: usize = 16;
const CROWDED_PAUSE_FACTOR: u32 = 9;
const PAUSE_MAX: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(super) struct WriterScheduler {
    activity: Mutex<Activity>,
    /// Without it, a caller that waited for another would write at once, without a pause.
    others: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Activity {
    is_inbox_waiting: bool,
    inbox_batch: usize,
    inbox_wrote_at: Option<Instant>,
    paused_until: Option<Instant>,
}

impl WriterScheduler {
    /// The inbox requests the writer for a number of deliveries. It is not quiet while it waits.
    pub(super) fn inbox_waits(&self, batch: usize) {
        self.with_activity(|activity| (activity.is_inbox_waiting, activity.inbox_batch) = (true, batch));
    }

    /// The inbox has received or returned the writer.
    pub(super) fn inbox_writes(&self) {
        self.with_activity(|activity| {
            activity.is_inbox_waiting = false;
            activity.inbox_wrote_at = Some(Instant::now());
        });
    }

    pub(super) fn other_wrote(&self, elapsed: Duration) {
        self.with_activity(|activity| {
            activity.paused_until = Some(Instant::now() + pause_after(elapsed, activity.inbox_batch));
        });
    }

    /// Waits until a caller other than the inbox may write. Further callers wait until the guard is dropped.
    pub(super) async fn admit_other(&self) -> tokio::sync::MutexGuard<'_, ()> {
        let guard = self.others.lock().await;
        while let Some(pause) = self.with_activity(|activity| activity.pause(Instant::now())) {
            tokio::time::sleep(pause).await;
        }
        guard
    }

    fn with_activity<T>(&self, apply: impl FnOnce(&mut Activity) -> T) -> T {
        apply(&mut self.activity.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn pause_after(elapsed: Duration, inbox_batch: usize) -> Duration {
    let factor = if inbox_batch < CROWDED_BATCH { PAUSE_FACTOR } else { CROWDED_PAUSE_FACTOR };
    elapsed.saturating_mul(factor).min(PAUSE_MAX)
}

impl Activity {
    /// The time until the next check; `None` when the others may write.
    fn pause(&self, now: Instant) -> Option<Duration> {
        let inbox_at = if self.is_inbox_waiting { now } else { self.inbox_wrote_at? };
        let busy = (inbox_at + QUIET_AFTER).checked_duration_since(now)?;
        let paused = self.paused_until?.checked_duration_since(now)?;
        Some(busy.min(paused)).filter(|pause| !pause.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(inbox_ago_ms: Option<u64>, paused_for_ms: Option<u64>) -> Option<u128> {
        let now = Instant::now() + Duration::from_secs(3600);
        let activity = Activity {
            is_inbox_waiting: false,
            inbox_batch: 1,
            inbox_wrote_at: inbox_ago_ms.map(|ago_ms| now - Duration::from_millis(ago_ms)),
            paused_until: paused_for_ms.map(|for_ms| now + Duration::from_millis(for_ms)),
        };
        activity.pause(now).map(|pause| pause.as_millis())
    }

    #[test]
    fn others_pause_only_while_deliveries_arrive() {
        assert_eq!(pause(None, Some(100)), None);
        assert_eq!(pause(Some(5), None), None);
        assert_eq!(pause(Some(5), Some(100)), Some(15));
        assert_eq!(pause(Some(5), Some(10)), Some(10));
        assert_eq!(pause(Some(5), Some(0)), None);
        assert_eq!(pause(Some(20), Some(100)), None);
        assert_eq!(pause(Some(500), Some(100)), None);
    }

    #[test]
    fn an_inbox_that_waits_for_the_writer_is_not_quiet() {
        let now = Instant::now();
        let paused_until = Some(now + Duration::from_millis(100));
        let waiting = Activity { is_inbox_waiting: true, inbox_batch: 1, inbox_wrote_at: None, paused_until };
        assert_eq!(waiting.pause(now), Some(QUIET_AFTER));
    }

    #[test]
    fn others_pause_longer_while_many_deliveries_wait() {
        let pause_ms = |elapsed_ms, batch| pause_after(Duration::from_millis(elapsed_ms), batch).as_millis();
        let crowded = CROWDED_BATCH;
        assert_eq!((pause_ms(10, 1), pause_ms(10, crowded - 1), pause_ms(10, crowded)), (20, 20, 90));
        assert_eq!((pause_ms(1_000, 1), pause_ms(1_000, crowded)), (500, 500));
    }

    #[tokio::test]
    async fn others_write_one_at_a_time() {
        let scheduler = WriterScheduler::default();
        let first = scheduler.admit_other().await;
        assert!(tokio::time::timeout(Duration::from_millis(50), scheduler.admit_other()).await.is_err());
        drop(first);
        drop(scheduler.admit_other().await);
    }

    #[tokio::test]
    async fn a_long_write_does_not_pause_forever() {
        let scheduler = WriterScheduler::default();
        scheduler.inbox_writes();
        scheduler.other_wrote(Duration::from_secs(3600));
        let started = Instant::now();
        drop(scheduler.admit_other().await);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
