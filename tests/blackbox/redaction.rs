//! An API key that a client puts where it does not belong leaves the server in no response and in no log line.

use tests::ServerOptions;

const KEY: &str = "redaction-test-Qm7vX2pLw9TzR4kNc8Yb3HsJ";
/// Of our format, and of no key in use.
const UNKNOWN: &str = "iq_live_a1B2c3D4_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg_000000";

#[test]
fn a_misplaced_key_is_in_no_response_and_no_log_line() {
    let mut server = ServerOptions::new().set("API_KEYS", KEY).set("RUST_LOG", "debug").start();
    for key in [KEY, UNKNOWN] {
        let requests = [
            (format!("/{key}"), ("user-agent", "curl/8".to_owned())),
            (format!("/api/analyze/{key}"), ("user-agent", format!("client/1 ({key})"))),
            (format!("/api/bars/AAPL?days={key}"), ("user-agent", key.to_owned())),
            (format!("/api/symbols?{key}={key}"), ("x-request-id", key.to_owned())),
            (format!("/{}", key.replace('_', "%5F").replace('-', "%2D")), ("accept", key.to_owned())),
        ];
        for (path, (name, value)) in requests {
            for credential in [key, KEY] {
                let response = server.get(&path, &[(name, &value), ("x-api-key", credential)]);
                assert!(!format!("{response:?}").contains(key), "{path} {name}: {response:?}");
            }
        }
    }
    let log = server.stop_and_read_log();
    assert!(log.contains("[redacted]"), "{log}");
    for key in [KEY, UNKNOWN] {
        assert!(!log.contains(key), "{key}: {log}");
        assert!(!log.contains(&key.replace('_', "%5F").replace('-', "%2D")), "{key}: {log}");
    }
}
