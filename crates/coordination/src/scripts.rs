//! The scripts that run in Redis. Each is one atomic step.

use redis::{ErrorKind, FromRedisValue, RedisResult, ServerErrorKind};

use crate::connection::Connection;

pub(crate) struct Script {
    /// The name of its commands in metrics.
    pub(crate) purpose: &'static str,
    source: &'static str,
    hash: String,
}

impl Script {
    /// Counts tokens of limits.
    pub(crate) fn limits() -> Self {
        Self::new("limits", include_str!("limits.lua"))
    }

    /// Notes that a replica runs, and counts the replicas.
    pub(crate) fn replicas() -> Self {
        Self::new("replicas", include_str!("replicas.lua"))
    }

    /// Read and write a text; claim a name and release it.
    pub(crate) fn values() -> [Self; 4] {
        [
            "return redis.call('GET', KEYS[1])",
            "redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])",
            "if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) or redis.call('GET', KEYS[1]) == ARGV[1] then \
             return 1 else return 0 end",
            "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end",
        ]
        .map(|source| Self::new("values", source))
    }

    fn new(purpose: &'static str, source: &'static str) -> Self {
        Self { purpose, source, hash: redis::Script::new(source).get_hash().to_owned() }
    }

    /// Runs it. A Redis that does not know it, because it was restarted or has become a master, is sent its text: loading
    /// it into every replica of a cluster would fail as long as one of them is down.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        connection: &mut Connection,
        keys: &[String],
        arguments: &[String],
    ) -> RedisResult<T> {
        let command = |name, script: &str| {
            let mut command = redis::cmd(name);
            command.arg(script).arg(keys.len()).arg(keys).arg(arguments);
            command
        };
        match command("EVALSHA", &self.hash).query_async(connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                command("EVAL", self.source).query_async(connection).await
            }
            result => result,
        }
    }
}

impl std::fmt::Debug for Script {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Script").field(&self.hash).finish()
    }
}
