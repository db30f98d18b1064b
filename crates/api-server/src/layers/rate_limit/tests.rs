use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::*;

fn config(per_minute: u32, burst: u32) -> Config {
    Config { per_minute: NonZeroU32::new(per_minute).unwrap(), burst: NonZeroU32::new(burst).unwrap() }
}

fn limit(per_minute: u32, burst: u32) -> AddressLimit {
    AddressLimit::new(config(per_minute, burst), &Metrics::new([]).unwrap())
}

fn network(address: &str) -> Network {
    Network::of(address.parse::<IpAddr>().unwrap())
}

#[test]
fn a_burst_passes_and_the_next_request_is_told_how_long_to_wait() {
    let limit = limit(60, 3);
    let remaining: Vec<u32> = (0..3).map(|_| limit.check(network("192.0.2.1")).unwrap().remaining).collect();
    assert_eq!(remaining, [2, 1, 0]);
    assert_eq!(limit.check(network("192.0.2.1")), Err(Standing { remaining: 0, reset_s: 1 }));
    assert!(limit.check(network("192.0.2.2")).is_ok());
    assert_eq!(limit.0.refused_network.get(), 1);
}

#[test]
fn waiting_as_told_is_enough_even_when_the_true_wait_is_under_a_second() {
    let limit = limit(100, 1);
    limit.check(network("192.0.2.1")).unwrap();
    let told = limit.check(network("192.0.2.1")).unwrap_err();
    assert_eq!(told.reset_s, 1, "600 ms, rounded up");
    std::thread::sleep(Duration::from_secs(told.reset_s));
    assert!(limit.check(network("192.0.2.1")).is_ok());
}

#[test]
fn an_ipv6_client_gains_nothing_by_rotating_inside_its_64_and_little_inside_its_48() {
    let limit = limit(1, 2);
    let within_64 =
        (0..100).filter(|host| limit.check(network(&format!("2001:db8::{host:x}"))).is_ok()).count();
    assert_eq!(within_64, 2);
    let within_48 =
        (1..300).filter(|net| limit.check(network(&format!("2001:db8:0:{net:x}::1"))).is_ok()).count();
    assert_eq!(within_48, 2 * 16 - 2, "sixteen times the burst, less what the first network used");
    assert!(limit.check(network("2001:db8:1::1")).is_ok());
}

#[test]
fn a_million_addresses_take_no_memory_and_do_not_free_a_client_that_is_over_its_limit() {
    let limit = limit(1, 2);
    let busy = network("192.0.2.1");
    let mut passed = 0;
    for number in 0..1_000_000_u32 {
        let _other = limit.check(Network::of(IpAddr::from((0x0a00_0000 + number).to_be_bytes())));
        if number % 1000 == 0 && limit.check(busy).is_ok() {
            passed += 1;
        }
    }
    assert_eq!(passed, 2);
}

#[test]
fn the_header_fields_follow_the_draft() {
    let policy = Policy::new(&["key"], config(120, 20));
    let mut headers = http::HeaderMap::new();
    policy.fields(policy.standing(17)).put_in(&mut headers);
    assert_eq!(headers["ratelimit-policy"], "\"key\";q=120;w=60, \"burst\";q=20;w=10");
    assert_eq!(headers["ratelimit"], "\"key\";r=17;t=2");
    assert_eq!(headers["x-ratelimit-limit"], "120");
    assert_eq!(headers["x-ratelimit-remaining"], "17");
    assert_eq!(headers["x-ratelimit-reset"], "2");
}

#[test]
fn every_rate_from_one_to_the_largest_number_works() {
    for per_minute in [1, 59, 60, 61, 1_000_000_000, u32::MAX] {
        let limiter = KeyLimiter::new(config(per_minute, 10));
        assert!(limiter.check().is_ok(), "{per_minute}");
        assert!(limiter.check().unwrap().remaining <= 10, "{per_minute}");
        assert!(limit(per_minute, u32::MAX).check(network("192.0.2.1")).is_ok(), "{per_minute}");
    }
}
