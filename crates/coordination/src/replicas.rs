//! How many replicas share limits: each says every second that it runs.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rate_limit::shared::REPLICAS_MAX;

use crate::client::Redis;
use crate::scripts::Script;

const KEY: &str = "investiq:{replicas}";
/// Three of these without news, and the others no longer count this replica.
const PERIOD: Duration = Duration::from_secs(1);
/// Bytes of the random id of a replica.
const ID_BYTES: usize = 8;

#[derive(Debug)]
pub(crate) struct Replicas {
    redis: Redis,
    script: Script,
    id: String,
    /// When Redis cannot say.
    expected: u32,
    count: AtomicU32,
    has_left: AtomicBool,
}

impl Replicas {
    /// # Errors
    /// The operating system has no random numbers.
    pub(crate) fn new(redis: Redis, expected: u32) -> Result<Self, getrandom::Error> {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id)?;
        redis.metrics().coordination.replicas.set(expected.into());
        let count = AtomicU32::new(expected);
        Ok(Self {
            redis,
            script: Script::replicas(),
            id: hex::encode(id),
            expected,
            count,
            has_left: AtomicBool::new(false),
        })
    }

    /// Replicas that share limits, this one included. While Redis is away, those that were seen last, and no fewer than are
    /// expected: each then allows no more than its part.
    pub(crate) fn count(&self, is_away: bool) -> u32 {
        let count = self.count.load(Ordering::Relaxed);
        if is_away { count.max(self.expected) } else { count }
    }

    /// Returns when this replica has left.
    pub(crate) async fn run(&self) {
        while !self.has_left.load(Ordering::Relaxed) {
            self.tell("0").await;
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Says that this replica no longer shares limits.
    pub(crate) async fn leave(&self) {
        self.has_left.store(true, Ordering::Relaxed);
        self.tell("1").await;
    }

    async fn tell(&self, leaves: &str) {
        let arguments = [self.id.clone(), leaves.to_owned()];
        let count = self.redis.run_script::<u32>(&self.script, &[KEY.to_owned()], &arguments).await;
        // Without an answer, the last one holds.
        if let Ok(count) = count {
            let count = count.clamp(1, REPLICAS_MAX);
            self.count.store(count, Ordering::Relaxed);
            self.redis.metrics().coordination.replicas.set(count.into());
        }
    }
}
