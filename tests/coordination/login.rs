//! Users and passwords of Redis, which change without a restart.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use tests::ServerOptions;

use super::load::{Traffic, assert_all_answered};
use super::redis::Redis;
use super::shared::{KEY, PER_SECOND, limited, metric, wait_for, wait_until};

const USER: &str = "investiq";
const OLD: &str = "first-password-of-redis";
const NEW: &str = "second-password-of-redis";

fn set_password(redis: &Redis, password: &str) {
    redis.cli(&[
        "ACL",
        "SETUSER",
        USER,
        "on",
        "resetpass",
        &format!(">{password}"),
        "~*",
        "+@all",
        "-@dangerous",
    ]);
}

fn end_connections(redis: &Redis) {
    redis.cli(&["CLIENT", "KILL", "USER", USER]);
}

/// The directory of secrets of a server.
struct Secrets(tempfile::TempDir);

impl Secrets {
    fn new(password: &str) -> Self {
        let secrets = Self(tempfile::tempdir().unwrap());
        secrets.write(password);
        secrets
    }

    /// As an operator does: a file is replaced by another one.
    fn write(&self, password: &str) {
        let (next, path) = (self.0.path().join(".next"), self.0.path().join("redis_password"));
        std::fs::write(&next, password).unwrap();
        std::fs::set_permissions(&next, std::fs::Permissions::from_mode(0o400)).unwrap();
        std::fs::rename(next, path).unwrap();
    }

    fn options(&self, redis: &Redis) -> ServerOptions {
        let url = format!("redis://{USER}@127.0.0.1:{}", redis.port);
        limited().set("REDIS_URL", url).set("SECRETS_DIR", self.0.path().display().to_string())
    }
}

#[test]
fn a_password_is_replaced_before_redis_has_it_and_after_without_a_restart() {
    let redis = Redis::start();
    set_password(&redis, OLD);
    let secrets = Secrets::new(OLD);
    let server = secrets.options(&redis).start();
    wait_for(&server, "investiq_redis_up", 1.0);
    let load = Traffic::of_key(KEY, PER_SECOND / 2.0).start(&[&server]);

    // The file first: connections that are open stay in use until Redis has it, too.
    secrets.write(NEW);
    wait_until("the new password is read", || server.log().contains("password of Redis changed"));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(metric(&server, "investiq_redis_up"), Some(1.0), "open connections work on");
    set_password(&redis, NEW);
    end_connections(&redis);
    wait_until("connections with the new password", || redis.connections() >= 3);
    wait_for(&server, "investiq_redis_up", 1.0);

    // Redis first: until the file has it, the server shares no limits.
    set_password(&redis, OLD);
    end_connections(&redis);
    wait_for(&server, "investiq_redis_up", 0.0);
    std::thread::sleep(Duration::from_millis(1500));
    assert!(redis.connections() == 0, "at most one attempt a second, all refused");
    secrets.write(OLD);
    wait_until("connections with the old password", || redis.connections() >= 3);
    wait_for(&server, "investiq_redis_up", 1.0);

    assert_all_answered(&load.stop());
    let log = server.log();
    assert!(!log.contains(OLD) && !log.contains(NEW), "{log}");
}

#[test]
fn a_wrong_password_is_named_and_stops_no_start() {
    let redis = Redis::start();
    set_password(&redis, NEW);
    let secrets = Secrets::new(OLD);
    let server = secrets.options(&redis).start();
    assert_eq!(server.get("/api/symbols", &[("x-api-key", KEY)]).status, 200);
    wait_for(&server, "investiq_redis_up", 0.0);
    wait_until("the refused login is in the log", || server.log().contains("Redis does not answer"));
    std::thread::sleep(Duration::from_millis(1500));
    let log = server.log();
    assert_eq!(log.matches("Redis does not answer").count(), 1, "once: {log}");
    assert!(log.contains("WRONGPASS") || log.to_lowercase().contains("authentication failed"), "{log}");
    assert!(!log.contains(OLD) && !log.contains("panicked"), "{log}");
}
