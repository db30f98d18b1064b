//! Who works in this process, and since when each has shown no sign of life: what `/readyz` reads.
//!
//! Life is judged by the clock that only goes forward, so that a machine whose time is set again loses no worker.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::IntGauge;
use tokio::time::{Instant, sleep_until};

use crate::clock::Clock;

/// Time between two beats of a worker that rests.
const REST_BEAT: Duration = Duration::from_secs(10);

/// The workers of this process. Clones are the same roster.
#[derive(Clone, Debug, Default)]
pub struct Roster(Arc<Mutex<Vec<Arc<Post>>>>);

/// The heart of one worker. Clones are the same heart.
#[derive(Clone, Debug)]
pub struct Heart(Arc<Post>);

/// How long a worker may be silent, and where its beats are shown.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// Longest time without a beat.
    pub silence_max: Duration,
    /// The time of the last beat, in seconds since 1970.
    pub shown: IntGauge,
}

#[derive(Debug)]
struct Post {
    worker: String,
    pulse: Option<Pulse>,
    life: Mutex<Life>,
}

#[derive(Clone, Copy, Debug)]
struct Life {
    beat_at: Instant,
    has_ended: bool,
}

/// A worker that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fallen {
    /// Who.
    pub worker: String,
    /// What is seen of it.
    pub sign: Sign,
}

/// What is seen of a worker that does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It ended, though nobody told it to.
    Ended,
    /// No beat for so long.
    Silent(Duration),
}

impl Roster {
    /// Takes on a worker. One without a pulse may wait for ever, and is only seen when it ends.
    #[must_use]
    pub fn hire(&self, worker: impl Into<String>, pulse: Option<Pulse>) -> Heart {
        let life = Mutex::new(Life { beat_at: Instant::now(), has_ended: false });
        let post = Arc::new(Post { worker: worker.into(), pulse, life });
        self.posts().push(Arc::clone(&post));
        Heart(post)
    }

    /// The first worker that does not work. Silence counts from `since` on: what kept everybody waiting until then is no
    /// worker's fault.
    #[must_use]
    pub fn fallen(&self, since: Instant) -> Option<Fallen> {
        let now = Instant::now();
        self.posts().iter().find_map(|post| {
            let sign = post.sign(since, now)?;
            Some(Fallen { worker: post.worker.clone(), sign })
        })
    }

    /// The first worker that ended, whatever the others wait for.
    #[must_use]
    pub fn ended(&self) -> Option<Fallen> {
        self.fallen(Instant::now())
    }

    fn posts(&self) -> MutexGuard<'_, Vec<Arc<Post>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Post {
    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sign(&self, since: Instant, now: Instant) -> Option<Sign> {
        let Life { beat_at, has_ended } = *self.life();
        if has_ended {
            return Some(Sign::Ended);
        }
        let silent = now.saturating_duration_since(beat_at.max(since));
        let silence_max = self.pulse.as_ref()?.silence_max;
        (silent > silence_max).then_some(Sign::Silent(silent))
    }
}

impl Heart {
    /// Whose it is.
    #[must_use]
    pub fn worker(&self) -> &str {
        &self.0.worker
    }

    /// Beats.
    pub fn beat(&self) {
        self.0.life().beat_at = Instant::now();
        if let Some(pulse) = &self.0.pulse {
            pulse.shown.set(Clock::System.now().as_second());
        }
    }

    /// Sleeps, and beats meanwhile.
    pub async fn rest(&self, time: Duration) {
        let ends_at = Instant::now() + time;
        loop {
            self.beat();
            let now = Instant::now();
            if now >= ends_at {
                return;
            }
            sleep_until(ends_at.min(now + REST_BEAT)).await;
        }
    }

    /// Stands still for ever: the worker ended.
    pub fn stop(&self) {
        self.0.life().has_ended = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENCE_MAX: Duration = Duration::from_secs(60);

    fn pulse() -> Pulse {
        Pulse { silence_max: SILENCE_MAX, shown: IntGauge::new("beat", "of this test").unwrap() }
    }

    #[tokio::test(start_paused = true)]
    async fn of_several_workers_the_silent_one_is_named_until_it_beats_again() {
        let roster = Roster::default();
        let (first, second) =
            (roster.hire("events/1", Some(pulse())), roster.hire("events/2", Some(pulse())));
        let begun_at = Instant::now();
        tokio::time::advance(SILENCE_MAX).await;
        assert_eq!(roster.fallen(begun_at), None, "the bound itself is not over it");
        first.beat();
        tokio::time::advance(Duration::from_secs(1)).await;
        let silent = Fallen { worker: "events/2".into(), sign: Sign::Silent(Duration::from_secs(61)) };
        assert_eq!(roster.fallen(begun_at), Some(silent));
        second.beat();
        assert_eq!(roster.fallen(begun_at), None);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_during_an_outage_that_kept_everybody_waiting_does_not_count() {
        let roster = Roster::default();
        let _worker = roster.hire("events/1", Some(pulse()));
        tokio::time::advance(Duration::from_secs(3600)).await;
        let back_at = Instant::now();
        assert!(roster.fallen(back_at - SILENCE_MAX).is_none() && roster.fallen(back_at).is_none());
        tokio::time::advance(Duration::from_secs(61)).await;
        assert!(roster.fallen(back_at).is_some(), "it does not come back with the others");
    }

    #[tokio::test(start_paused = true)]
    async fn who_rests_is_alive_and_who_waits_for_ever_is_only_seen_when_it_ends() {
        let roster = Roster::default();
        let (resting, waiting) = (roster.hire("business", Some(pulse())), roster.hire("streams", None));
        let begun_at = Instant::now();
        let rest = tokio::spawn(async move { resting.rest(Duration::from_secs(3600)).await });
        tokio::time::sleep(Duration::from_secs(3000)).await;
        assert_eq!(roster.fallen(begun_at), None);
        waiting.stop();
        assert_eq!(roster.fallen(begun_at), Some(Fallen { worker: "streams".into(), sign: Sign::Ended }));
        rest.abort();
    }
}
