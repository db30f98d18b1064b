//! How SQLite's one writer is shared between the inbox and everyone else.
//!
//! Senders wait for the inbox, nobody waits for the rest: while deliveries come in, the others write for a third of the
//! time, and for a tenth of it while many of them wait. When none come in they write all the time.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After this long without a delivery the others need not hold back.
const QUIET: Duration = Duration::from_millis(20);
/// The others pause this many times as long as they wrote.
const PAUSE_FACTOR: u32 = 2;
/// As many deliveries in one batch of the inbox mean that they come faster than they are written.
const CROWD: usize = 16;
/// The others pause this many times as long as they wrote while deliveries crowd.
const CROWD_PAUSE_FACTOR: u32 = 9;
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// When the inbox wrote last, and until when the others pause.
#[derive(Debug, Default)]
pub(super) struct Share {
    times: Mutex<Times>,
    /// The others come one at a time: who asked while another wrote would follow at once, and never pause.
    others: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Times {
    inbox_waits: bool,
    /// Deliveries of the inbox's last batch.
    inbox_batch: usize,
    inbox_wrote: Option<Instant>,
    paused_until: Option<Instant>,
}

impl Share {
    /// The inbox asks for the writer, for so many deliveries. While another has it the inbox cannot write, and is not quiet
    /// for that.
    pub(super) fn inbox_waits(&self, batch: usize) {
        self.times(|times| (times.inbox_waits, times.inbox_batch) = (true, batch));
    }

    /// The inbox has the writer, or had it until now.
    pub(super) fn inbox_writes(&self) {
        self.times(|times| {
            times.inbox_waits = false;
            times.inbox_wrote = Some(Instant::now());
        });
    }

    pub(super) fn other_wrote(&self, held: Duration) {
        self.times(|times| times.paused_until = Some(Instant::now() + pause_after(held, times.inbox_batch)));
    }

    /// Until someone else than the inbox may write, which is this one alone while it keeps what it is given.
    pub(super) async fn wait(&self) -> tokio::sync::MutexGuard<'_, ()> {
        let alone = self.others.lock().await;
        while let Some(pause) = self.times(|times| times.pause(Instant::now())) {
            tokio::time::sleep(pause).await;
        }
        alone
    }

    fn times<T>(&self, look: impl FnOnce(&mut Times) -> T) -> T {
        look(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn pause_after(held: Duration, inbox_batch: usize) -> Duration {
    let factor = if inbox_batch < CROWD { PAUSE_FACTOR } else { CROWD_PAUSE_FACTOR };
    held.saturating_mul(factor).min(PAUSE_MAX)
}

impl Times {
    /// How long to wait before looking again; `None` when nothing stands in the way.
    fn pause(&self, now: Instant) -> Option<Duration> {
        let inbox_at = if self.inbox_waits { now } else { self.inbox_wrote? };
        let busy = (inbox_at + QUIET).checked_duration_since(now)?;
        let paused = self.paused_until?.checked_duration_since(now)?;
        Some(busy.min(paused)).filter(|pause| !pause.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(inbox_ago_ms: Option<u64>, paused_for_ms: Option<u64>) -> Option<u128> {
        let now = Instant::now() + Duration::from_secs(3600);
        let times = Times {
            inbox_waits: false,
            inbox_batch: 1,
            inbox_wrote: inbox_ago_ms.map(|ago_ms| now - Duration::from_millis(ago_ms)),
            paused_until: paused_for_ms.map(|for_ms| now + Duration::from_millis(for_ms)),
        };
        times.pause(now).map(|pause| pause.as_millis())
    }

    #[test]
    fn others_hold_back_only_while_deliveries_come_in() {
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
        let waits = Times { inbox_waits: true, inbox_batch: 1, inbox_wrote: None, paused_until };
        assert_eq!(waits.pause(now), Some(QUIET));
    }

    #[test]
    fn the_more_deliveries_wait_the_longer_the_others_pause() {
        let pause_ms = |held_ms, batch| pause_after(Duration::from_millis(held_ms), batch).as_millis();
        assert_eq!((pause_ms(10, 1), pause_ms(10, CROWD - 1), pause_ms(10, CROWD)), (20, 20, 90));
        assert_eq!((pause_ms(1_000, 1), pause_ms(1_000, CROWD)), (500, 500));
    }

    #[tokio::test]
    async fn others_come_one_at_a_time() {
        let share = Share::default();
        let first = share.wait().await;
        assert!(tokio::time::timeout(Duration::from_millis(50), share.wait()).await.is_err());
        drop(first);
        drop(share.wait().await);
    }

    #[tokio::test]
    async fn a_long_write_does_not_pause_forever() {
        let share = Share::default();
        share.inbox_writes();
        share.other_wrote(Duration::from_secs(3600));
        let begun = Instant::now();
        drop(share.wait().await);
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
