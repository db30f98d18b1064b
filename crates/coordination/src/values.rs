//! Texts that replicas share for a time, and claims on who makes the next one.

use std::time::Duration;

use crate::client::Redis;
use crate::scripts::Script;

/// Texts and claims in Redis. A text may be missing at any time.
#[derive(Debug)]
pub struct SharedValues {
    redis: Redis,
    read: Script,
    write: Script,
    claim: Script,
    release: Script,
}

impl SharedValues {
    /// The values of this Redis.
    #[must_use]
    pub fn new(redis: Redis) -> Self {
        let [read, write, claim, release] = Script::values();
        Self { redis, read, write, claim, release }
    }

    /// The text under this name; `None` also if Redis does not answer.
    pub async fn read(&self, name: &str) -> Option<String> {
        self.run(&self.read, value_key(name), Vec::new()).await.flatten()
    }

    /// Keeps a text for a time, if Redis answers.
    pub async fn write(&self, name: &str, text: String, keep_for: Duration) {
        let _kept = self.run::<()>(&self.write, value_key(name), vec![text, milliseconds(keep_for)]).await;
    }

    /// Whether nobody else has claimed this name. The claim ends after `hold`. Without an answer everybody may go on.
    pub async fn claim(&self, name: &str, token: &str, hold: Duration) -> bool {
        let arguments = vec![token.to_owned(), milliseconds(hold)];
        self.run(&self.claim, claim_key(name), arguments).await.unwrap_or(true)
    }

    /// Ends the claim with this token.
    pub async fn release(&self, name: &str, token: &str) {
        let _released = self.run::<()>(&self.release, claim_key(name), vec![token.to_owned()]).await;
    }

    /// A value that is slow says nothing of limits, whose commands are short.
    async fn run<T: redis::FromRedisValue>(
        &self,
        script: &Script,
        key: String,
        arguments: Vec<String>,
    ) -> Option<T> {
        self.redis.try_script(script, &[key], &arguments).await
    }
}

fn value_key(name: &str) -> String {
    format!("investiq:value:{{{name}}}")
}

fn claim_key(name: &str) -> String {
    format!("investiq:claim:{{{name}}}")
}

fn milliseconds(duration: Duration) -> String {
    duration.as_millis().max(1).to_string()
}
