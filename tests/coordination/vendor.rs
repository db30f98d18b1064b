//! Three replicas share what the data vendor sends: one of them fetches it, and all of them serve it while the vendor is away.

use std::time::Duration;

use tests::polygon::{Behaviour, FakePolygon, Route};
use tests::{Server, ServerOptions};

use super::redis::Redis;
use super::shared::{metric, with_redis};

const VENDOR_KEY: &str = "vendor-canary-Qx7mKp2vWn9tLz4rBc8yHs3dJf";
const READERS: usize = 50;

fn options(redis: &Redis, vendor: &FakePolygon) -> ServerOptions {
    vendor.accept_keys(&[VENDOR_KEY]);
    with_redis(redis)
        .set("POLYGON_API_KEY", VENDOR_KEY)
        .set("POLYGON_BASE_URL", vendor.base_url())
        .set("RATE_LIMIT_PER_MINUTE", "1000000")
        .set("RATE_LIMIT_BURST", "100000")
        .set("REQUESTS_IN_FLIGHT_MAX", "2000")
}

fn connected(options: &ServerOptions) -> Server {
    let server = options.start();
    server.wait_until("Redis answers", |server| metric(server, "investiq_redis_up") == Some(1.0));
    server
}

fn analysis(server: &Server) -> tests::Response {
    server.get("/api/analyze/AAPL", &[("x-api-key", super::shared::KEY)])
}

#[test]
fn cold_readers_of_three_replicas_make_one_set_of_calls_and_all_serve_it_while_the_vendor_is_away() {
    let (redis, vendor) = (Redis::start(), FakePolygon::start());
    vendor.delay(Duration::from_millis(100));
    let options = options(&redis, &vendor).set("POLYGON_FRESH_SECS", "20");
    let servers = [(); 3].map(|()| connected(&options));
    let responses: Vec<_> = std::thread::scope(|scope| {
        let read = |number: usize| {
            let server = &servers[number % servers.len()];
            scope.spawn(move || analysis(server))
        };
        let readers: Vec<_> = (0..READERS).map(read).collect();
        readers.into_iter().map(|reader| reader.join().unwrap()).collect()
    });
    let failed = responses.iter().find(|response| response.status != 200);
    assert!(failed.is_none(), "{failed:?}");
    assert!(responses.iter().all(|response| response.body == responses[0].body), "all get the same response");
    assert_eq!(vendor.calls(Route::Bars), 2, "the symbol's bars and the market's, once each");
    for route in [Route::Details, Route::Financials, Route::News] {
        assert_eq!(vendor.calls(route), 1, "{route:?}");
    }

    // A replica that has nothing serves what the others have fetched.
    vendor.everywhere(&Behaviour::Status(500));
    let cold = connected(&options);
    for server in servers.iter().chain([&cold]) {
        server.wait_until("the response is marked stale", |server| {
            let response = analysis(server);
            assert_eq!(response.status, 200, "{response:?}");
            response.json()["stale"] == true
        });
    }
    let colder = connected(&options);
    let first = analysis(&colder);
    assert!(first.status == 200 && first.json()["stale"] == true, "{first:?}");
    assert!(first.json()["age_s"].as_u64().is_some_and(|age_s| age_s >= 20), "{first:?}");
}

#[test]
fn without_redis_and_with_a_forged_value_each_replica_asks_the_vendor() {
    let (mut redis, vendor) = (Redis::start(), FakePolygon::start());
    let options = options(&redis, &vendor);
    let one = connected(&options);
    assert_eq!(analysis(&one).status, 200);
    assert_eq!(vendor.calls(Route::News), 1);
    for key in redis.cli(&["KEYS", "investiq:value:*"]).lines() {
        let value = redis.cli(&["GET", key]);
        redis.cli(&["SET", key, &value.replace("results", "Results")]);
    }
    let two = connected(&options);
    assert_eq!(analysis(&two).status, 200);
    assert_eq!(vendor.calls(Route::News), 2, "no forged value is used");
    redis.kill();
    let three = options.start();
    assert_eq!(analysis(&three).status, 200);
    assert_eq!(vendor.calls(Route::News), 3);
}
