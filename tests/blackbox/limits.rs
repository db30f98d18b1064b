//! Rate limits: which address or key is counted, and what the headers say.

use tests::{Server, ServerOptions};

const KEY: &str = "limits-test-Qm7vX2pLw9TzR4kNc8Yb3HsJ";
const OTHER_KEY: &str = "limits-test-Zt5cV8nBq1WxE6mKd2Ug9PfA";

/// For 2,000 responses.
const BATCH_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(120);

fn limited(per_minute: u32) -> ServerOptions {
    ServerOptions::new()
        .set("API_KEYS", format!("{KEY}:viewer,{OTHER_KEY}:viewer"))
        .set("RATE_LIMIT_PER_MINUTE", per_minute.to_string())
        .set("RATE_LIMIT_BURST", "5")
}

fn statuses(
    server: &Server,
    count: usize,
    headers: impl Fn(usize) -> Vec<(&'static str, String)>,
) -> Vec<u16> {
    (0..count)
        .map(|i| {
            let headers = headers(i);
            let headers: Vec<(&str, &str)> =
                headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            server.get("/api/symbols", &headers).status
        })
        .collect()
}

fn served(statuses: &[u16]) -> usize {
    statuses.iter().filter(|status| **status == 200).count()
}

#[test]
fn a_spoofed_forwarded_address_gets_no_new_bucket() {
    let server = limited(1).start();
    let found = statuses(&server, 20, |i| {
        vec![
            ("x-api-key", KEY.to_owned()),
            ("x-forwarded-for", format!("203.0.113.{i}")),
            ("forwarded", format!("for=198.51.100.{i}")),
            ("x-real-ip", format!("192.0.2.{i}")),
        ]
    });
    assert_eq!(served(&found), 5, "{found:?}");
    assert_eq!(found.last(), Some(&429));
}

#[test]
fn behind_a_trusted_proxy_the_right_most_untrusted_address_counts() {
    let server = limited(1).set("TRUSTED_PROXIES", "127.0.0.1/32,10.0.0.0/8").start();
    // Without keys, so that only the limit by address applies.
    let forwarded = |spoofed: usize, client: &str| format!("203.0.113.{spoofed}, {client}, 10.1.2.3");
    let found = statuses(&server, 10, |i| vec![("x-forwarded-for", forwarded(i, "198.51.100.7"))]);
    assert_eq!(found[5..], [429; 5], "one client, whatever it claims to the left: {found:?}");
    let found = statuses(&server, 1, |i| vec![("x-forwarded-for", forwarded(i, "198.51.100.8"))]);
    assert_eq!(found, [401], "another client has a bucket of its own");
}

#[test]
fn addresses_of_one_ipv6_64_are_one_client() {
    let server = limited(1).set("TRUSTED_PROXIES", "127.0.0.1/32").start();
    let found = statuses(&server, 20, |i| vec![("x-forwarded-for", format!("2001:db8:1:2::{i:x}"))]);
    assert_eq!(found[5..], [429; 15], "{found:?}");
    let found = statuses(&server, 1, |_| vec![("x-forwarded-for", "2001:db8:1:3::1".to_owned())]);
    assert_eq!(found, [401]);
}

#[test]
fn wrong_keys_from_the_address_of_a_client_refuse_no_valid_key() {
    let server = limited(1).start();
    let wrong = |_: usize| vec![("x-api-key", "limits-test-Wr0ngWr0ngWr0ngWr0ng".to_owned())];
    let found = statuses(&server, 30, wrong);
    assert_eq!(found[5..], [429; 25], "{found:?}");
    assert_eq!(server.get("/health", &[]).status, 429);
    assert_eq!(server.get("/health", &[("x-api-key", OTHER_KEY)]).status, 200);
    let valid = statuses(&server, 6, |_| vec![("x-api-key", KEY.to_owned())]);
    assert_eq!(valid, [200, 200, 200, 200, 200, 429]);
}

#[test]
fn requests_without_the_role_count_against_the_limit_of_the_key() {
    let server = limited(1).start();
    let forbidden = (0..6).map(|_| server.get("/api/admin/webhooks", &[("x-api-key", KEY)]).status);
    assert_eq!(forbidden.collect::<Vec<_>>(), [403, 403, 403, 403, 403, 429]);
    assert_eq!(server.get("/api/symbols", &[("x-api-key", OTHER_KEY)]).status, 200);
}

#[test]
fn each_key_has_a_limit_of_its_own() {
    let server = limited(1).set("TRUSTED_PROXIES", "127.0.0.1/32").start();
    let from = |i: usize, key: &str| {
        vec![("x-forwarded-for", format!("198.51.100.{i}")), ("x-api-key", key.to_owned())]
    };
    assert_eq!(served(&statuses(&server, 20, |i| from(i, KEY))), 5, "one key from twenty addresses");
    assert_eq!(served(&statuses(&server, 1, |i| from(100 + i, OTHER_KEY))), 1);
}

#[test]
fn retry_after_is_long_enough() {
    let server = limited(60).start();
    let key = [("x-api-key", KEY)];
    let first = server.get("/api/symbols", &key);
    assert_eq!(first.header("x-ratelimit-limit"), Some("60"));
    assert!(first.header("ratelimit-policy").is_some_and(|text| text.contains("q=60;w=60")), "{first:?}");
    assert!(first.header("ratelimit").is_some_and(|text| text.contains(";r=")), "{first:?}");
    assert!(first.header("x-ratelimit-remaining").is_some_and(|text| text.parse::<u32>().is_ok()));
    assert!(first.header("x-ratelimit-reset").is_some_and(|text| text.parse::<u64>().is_ok()));
    let limited =
        (0..300).map(|_| server.get("/api/symbols", &key)).find(|response| response.status == 429).unwrap();
    assert_eq!(limited.problem()["code"], "too_many_requests");
    let wait_s: u64 = limited.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait_s), "{wait_s}");
    std::thread::sleep(std::time::Duration::from_secs(wait_s));
    assert_eq!(server.get("/api/symbols", &key).status, 200, "waiting for Retry-After is enough");
}

#[test]
fn probes_are_not_limited_and_unknown_paths_are() {
    let server = limited(1).start();
    for _ in 0..30 {
        assert_eq!(server.get("/livez", &[]).status, 200);
    }
    let found: Vec<u16> = (0..10).map(|i| server.get(&format!("/nowhere/{i}"), &[]).status).collect();
    assert_eq!(found.last(), Some(&429), "{found:?}");
}

#[test]
fn health_counts_against_the_limit_of_the_address_and_shows_it() {
    let server = limited(1).start();
    let health = server.get("/health", &[]);
    assert_eq!((health.status, health.header("x-ratelimit-limit")), (200, Some("1")));
    assert!(
        health.header("ratelimit").is_some_and(|field| field.starts_with("\"address\";r=")),
        "{health:?}"
    );
    let limited = (0..9).map(|_| server.get("/health", &[])).find(|response| response.status == 429).unwrap();
    assert_eq!(limited.problem()["code"], "too_many_requests");
    let ready = server.get("/readyz", &[]);
    assert_eq!((ready.status, ready.header("ratelimit")), (200, None));
}

#[test]
fn any_positive_limit_works_and_others_prevent_the_start() {
    for accepted in ["1", "7", "120", "999999999", "1000000000"] {
        let server = ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", accepted).start();
        assert_eq!(server.get("/api/symbols", &[]).status, 200, "{accepted}");
    }
    for wrong in ["0", "-1", "1.5", "many", "1000000001"] {
        let (status, log) = ServerOptions::new().set("RATE_LIMIT_PER_MINUTE", wrong).start_failure();
        assert!(!status.success() && log.contains("RATE_LIMIT_PER_MINUTE"), "{wrong}: {log}");
    }
}

#[test]
fn many_addresses_do_not_grow_memory_without_bound() {
    let server = limited(60).set("TRUSTED_PROXIES", "127.0.0.1/32").start();
    let requests = |from: u32, count: u32| -> Vec<u8> {
        (from..from + count)
            .flat_map(|i| {
                let [_, b, c, d] = i.to_be_bytes();
                format!(
                    "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 100.{b}.{c}.{d}\r\n\r\n"
                )
                .into_bytes()
            })
            .collect()
    };
    let spray = |from: u32| {
        // 2,000 pipelined requests on each connection.
        for batch in 0..25 {
            let mut bytes = requests(from + batch * 2_000, 2_000);
            bytes.extend_from_slice(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
            let response = tests::raw::exchange_within(server.address(), &bytes, BATCH_TIMEOUT);
            assert_eq!(response.statuses().len(), 2_001);
        }
    };
    spray(0);
    let before_kib = server.resident_kib();
    spray(100_000);
    let grown_kib = server.resident_kib().saturating_sub(before_kib);
    assert!(grown_kib < 16 * 1024, "50,000 more addresses took {grown_kib} KiB");
}
