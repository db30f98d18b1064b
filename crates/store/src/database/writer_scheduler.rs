//! Shares SQLite's only writer between the inbox and all other callers.
//!
//! While deliveries arrive, the inbox and the others have half of the time each, and the others two thirds once events wait for a
//! second: providers wait for the inbox, but what it stores must be applied as fast as it arrives. While no deliveries arrive, the
//! others write without pauses.
//!
//! ```text
//! sender ─┐
//! sender ─┼─> inbox queue ──> batcher ─────────────────────────────┐
//! sender ─┘                                                        ├─> writer mutex ──> SQLite's file lock
//! worker ─┐                  pause, if the inbox wrote or waited   │   first come,      against other
//! replay ─┼─> others mutex ─>in the last 20 ms: as long as the ─────┘   first served     processes
//! audit  ─┘   one at a time  last of the others wrote
//! ```

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time without a delivery after which the inbox counts as quiet.
const QUIET_AFTER: Duration = Duration::from_millis(20);
/// Longest pause of the others.
const PAUSE_MAX: Duration = Duration::from_millis(500);
/// Time that events wait from which on the others pause half as long.
const LATE_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct WriterScheduler {
    activity: Mutex<Activity>,
    /// Without it, a caller that waited for another would write at once, without a pause.
    others: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Activity {
    is_inbox_waiting: bool,
    inbox_wrote_at: Option<Instant>,
    paused_until: Option<Instant>,
    /// Whether the events that are applied waited for [`LATE_AFTER`].
    is_late: bool,
}

impl WriterScheduler {
    /// The inbox requests the writer. It is not quiet while it waits.
    pub(super) fn inbox_waits(&self) {
        self.with_activity(|activity| activity.is_inbox_waiting = true);
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
            activity.paused_until = Some(Instant::now() + pause_after(elapsed, activity.is_late));
        });
    }

    /// Reports how long the oldest of the events that are applied next has waited.
    pub(super) fn event_waited(&self, wait: Duration) {
        self.with_activity(|activity| activity.is_late = wait >= LATE_AFTER);
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

fn pause_after(elapsed: Duration, is_late: bool) -> Duration {
    (if is_late { elapsed / 2 } else { elapsed }).min(PAUSE_MAX)
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
            inbox_wrote_at: inbox_ago_ms.map(|ago_ms| now - Duration::from_millis(ago_ms)),
            paused_until: paused_for_ms.map(|for_ms| now + Duration::from_millis(for_ms)),
            is_late: false,
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
        let waiting = Activity { is_inbox_waiting: true, inbox_wrote_at: None, paused_until, is_late: false };
        assert_eq!(waiting.pause(now), Some(QUIET_AFTER));
    }

    #[test]
    fn late_events_halve_the_pause() {
        let pause_ms =
            |elapsed_ms, is_late| pause_after(Duration::from_millis(elapsed_ms), is_late).as_millis();
        assert_eq!((pause_ms(80, false), pause_ms(80, true)), (80, 40));
        assert_eq!((pause_ms(9_000, false), pause_ms(9_000, true)), (500, 500));
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
