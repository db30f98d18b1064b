//! How many nodes share limits: each says every second that it runs.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rate_limit::shared::NODES_MAX;

use crate::client::Redis;
use crate::scripts::Script;

const KEY: &str = "investiq:{nodes}";
/// Three of these without news, and the others no longer count this node.
const PERIOD: Duration = Duration::from_secs(1);
/// Bytes of the random id of a node.
const ID_BYTES: usize = 8;

#[derive(Debug)]
pub(crate) struct Nodes {
    redis: Redis,
    script: Script,
    id: String,
    /// When Redis cannot say.
    expected: u32,
    count: AtomicU32,
}

impl Nodes {
    /// # Errors
    /// The operating system has no random numbers.
    pub(crate) fn new(redis: Redis, expected: u32) -> Result<Self, getrandom::Error> {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id)?;
        redis.metrics().coordination.nodes.set(expected.into());
        let count = AtomicU32::new(expected);
        Ok(Self { redis, script: Script::nodes(), id: hex::encode(id), expected, count })
    }

    /// Nodes that share limits, this one included. While Redis is away, those that were seen last, and no fewer than are
    /// expected: each then allows no more than its part.
    pub(crate) fn count(&self, is_away: bool) -> u32 {
        let count = self.count.load(Ordering::Relaxed);
        if is_away { count.max(self.expected) } else { count }
    }

    /// Never returns.
    pub(crate) async fn run(&self) {
        loop {
            self.tell("0").await;
            tokio::time::sleep(PERIOD).await;
        }
    }

    /// Says that this node no longer shares limits.
    pub(crate) async fn leave(&self) {
        self.tell("1").await;
    }

    async fn tell(&self, leaves: &str) {
        let arguments = [self.id.clone(), leaves.to_owned()];
        let count = self.redis.run_script::<u32>(&self.script, &[KEY.to_owned()], &arguments).await;
        // Without an answer, the last one holds.
        if let Ok(count) = count {
            let count = count.clamp(1, NODES_MAX);
            self.count.store(count, Ordering::Relaxed);
            self.redis.metrics().coordination.nodes.set(count.into());
        }
    }
}
