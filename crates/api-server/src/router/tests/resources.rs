//! Analyses, bars, indicators, symbols.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;

/// Daily bars of a rising and falling price.
fn own_bars(count: i32) -> Vec<Value> {
    let bar = |at: i32| {
        let close = 100.0 + 10.0 * (f64::from(at) / 7.0).sin();
        json!({
            "date": domain::Date::from_days(15_000 + at).unwrap(),
            "open": close, "high": close + 1.0, "low": close - 1.0, "close": close, "volume": 1000,
        })
    };
    (0..count).map(bar).collect()
}

#[tokio::test]
async fn an_analysis_names_its_data_source_and_is_cached() {
    let parts = parts().await;
    let cache = Arc::clone(&parts.api.response_cache);
    let router = all(parts);
    let first = get(&router, "/api/analyze/aapl?days=730").await;
    assert_eq!(first.status, 200);
    let json = first.json();
    assert_eq!(json["symbol"], "AAPL");
    assert_eq!(json["as_of"], "2013-03-01");
    assert_eq!(json["timestamp"], "2013-03-01T00:00:00Z");
    // The close of that day in the bundled file.
    assert_eq!(json["current_price"], 430.47);
    assert_eq!(json["data_source"], "bundled sample");
    assert_eq!((&json["age_s"], &json["fetched_at"]), (&json!(null), &json!(null)));
    assert!(json["technical"]["metrics"]["rsi"]["value"].is_f64());
    assert_eq!(cache.len(), 1);
    let again = get(&router, "/api/analyze/AAPL?days=730&timeframe=1d").await;
    assert_eq!((again.body, cache.len()), (first.body, 1));
}

#[tokio::test]
async fn every_response_from_the_sample_says_so_and_that_it_is_stale() {
    let router = all(parts().await);
    for path in [
        "/api/analyze/AAPL",
        "/api/bars/IBM?adjusted=false",
        "/api/indicators/MSFT?names=rsi:14",
        "/api/symbols/FB",
        "/api/symbols",
    ] {
        let response = get(&router, path).await;
        let json = response.json();
        assert_eq!((&json["sample"], &json["stale"]), (&json!(true), &json!(true)), "{path}");
        // It does not change: clients may revalidate their copies.
        assert!(!response.header(header::ETAG).is_empty(), "{path}");
    }
    let own = post(&router, "/api/analyze", &json!({"symbol": "MINE", "bars": own_bars(300)})).await.json();
    assert_eq!((&own["sample"], &own["stale"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn a_symbol_is_shown_as_the_source_spells_it() {
    let router = all(parts().await);
    for path in ["/api/analyze/ibm", "/api/bars/ibm", "/api/indicators/ibm?names=rsi:14", "/api/symbols/ibm"]
    {
        assert_eq!(get(&router, path).await.json()["symbol"], "IBM", "{path}");
    }
    let mixed = get(&router, "/api/bars/IBm").await;
    assert_eq!((mixed.status.as_u16(), mixed.code()), (404, Some("unknown_symbol")));
}

#[tokio::test]
async fn windows_with_the_same_bars_share_one_cached_response() {
    let parts = parts().await;
    let cache = Arc::clone(&parts.api.response_cache);
    let router = all(parts);
    // The sample begins in 2000: each of these requests all of it.
    for days in 15_000..15_050 {
        assert_eq!(get(&router, &format!("/api/analyze/AAPL?days={days}")).await.status, 200);
    }
    assert_eq!(cache.len(), 1);
}

#[tokio::test]
async fn a_client_with_a_current_copy_gets_304() {
    let router = all(parts().await);
    for path in
        ["/api/analyze/MSFT", "/api/bars/MSFT", "/api/indicators/MSFT?names=rsi:14", "/api/symbols/MSFT"]
    {
        let first = get(&router, path).await;
        let etag = first.header(header::ETAG);
        assert!(etag.starts_with('"') && etag.ends_with('"'), "{path}: {etag}");
        assert_eq!(first.header(header::CACHE_CONTROL), "private, no-cache");
        assert_eq!(first.header(header::VARY), "Authorization, X-API-Key, Accept-Encoding");
        let not_modified = get_with_etag(&router, path, etag).await;
        assert_eq!((not_modified.status, not_modified.body.len()), (StatusCode::NOT_MODIFIED, 0), "{path}");
        assert_eq!(not_modified.header(header::ETAG), etag);
        assert_eq!(get_with_etag(&router, path, "\"another\"").await.status, 200, "{path}");
        let other = get(&router, &path.replace("MSFT", "IBM")).await;
        assert_ne!(other.header(header::ETAG), etag, "{path}");
    }
    let daily = get(&router, "/api/bars/IBM?days=90").await;
    for other in [
        "/api/bars/IBM?days=120",
        "/api/bars/IBM?days=90&adjusted=false",
        "/api/bars/IBM?days=90&timeframe=1w",
    ] {
        assert_ne!(get(&router, other).await.header(header::ETAG), daily.header(header::ETAG), "{other}");
    }
}

#[tokio::test]
async fn bars_match_the_window_and_the_timeframe() {
    let router = all(parts().await);
    let bars = |path: &'static str| {
        let router = router.clone();
        async move { get(&router, path).await.json()["bars"].as_array().unwrap().clone() }
    };
    let daily = bars("/api/bars/AAPL?days=7").await;
    assert_eq!(daily.last().unwrap()["date"], "2013-03-01");
    assert_eq!(daily.first().unwrap()["date"], "2013-02-25");
    assert_eq!(daily.len(), 5);
    let weekly = bars("/api/bars/AAPL?days=28&timeframe=1w").await;
    // Presidents' Day is a Monday.
    let dates: Vec<_> = weekly.iter().map(|bar| bar["date"].as_str().unwrap()).collect();
    assert_eq!(dates, ["2013-02-04", "2013-02-11", "2013-02-19", "2013-02-25"]);
    // From 2012-01-27 on: January 2012 began before it, so February 2012 to March 2013.
    assert_eq!(bars("/api/bars/AAPL?days=400&timeframe=1M").await.len(), 14);
    let adjusted = bars("/api/bars/IBM?days=20000").await;
    let raw = bars("/api/bars/IBM?days=20000&adjusted=false").await;
    assert_eq!(adjusted.last(), raw.last());
    assert!(adjusted[0]["close"].as_f64() < raw[0]["close"].as_f64());
}

#[tokio::test]
async fn indicators_have_a_value_for_every_date_of_the_window() {
    let router = all(parts().await);
    let json = get(&router, "/api/indicators/AAPL?names=sma:200,macd&days=30").await.json();
    let dates = json["dates"].as_array().unwrap().len();
    assert!((18..=22).contains(&dates), "{dates}");
    let outputs = |at: usize| json["indicators"][at]["outputs"].as_object().unwrap().clone();
    assert_eq!(json["indicators"][0]["indicator"], "sma:200");
    for values in outputs(0).values().chain(outputs(1).values()) {
        let values = values.as_array().unwrap();
        assert!(values.len() == dates && values.iter().all(Value::is_f64), "{values:?}");
    }
    assert_eq!(outputs(1).len(), 3);
}

#[tokio::test]
async fn the_memory_and_the_time_of_indicators_are_bounded() {
    let router = all(parts().await);
    // 3,270 bars: three values each for bands; a thousand reads each for a long CCI.
    for (name, most) in [("bbands", 25), ("cci:1000", 6), ("willr:1000", 6), ("stoch:1000", 6), ("cci", 32)] {
        let path = |count| format!("/api/indicators/AAPL?days=20000&names={}", vec![name; count].join(","));
        assert_eq!(get(&router, &path(most)).await.status, 200, "{name}");
        let refused = get(&router, &path(most + 1)).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (422, Some("unprocessable")), "{name}");
    }
}

#[tokio::test]
async fn invalid_requests_are_problems() {
    let router = all(parts().await);
    for (path, status, code) in [
        ("/api/analyze/ZZZZ", 404, "unknown_symbol"),
        ("/api/bars/ZZZZ", 404, "unknown_symbol"),
        ("/api/analyze/..%2Fx", 400, "invalid_symbol"),
        ("/api/analyze/%ff", 400, "invalid_symbol"),
        ("/api/bars/3M", 404, "unknown_symbol"),
        ("/api/bars/A.B.C.D", 400, "invalid_symbol"),
        ("/api/analyze/AAPL?timeframe=5m", 422, "unprocessable"),
        ("/api/analyze/AAPL?days=100000000", 422, "unprocessable"),
        ("/api/analyze/AAPL?cache_ttl=1", 422, "unprocessable"),
        ("/api/bars/AAPL?adjusted=yes", 422, "unprocessable"),
        ("/api/indicators/AAPL?names=", 422, "unprocessable"),
        ("/api/indicators/AAPL?names=rsi:0", 422, "unprocessable"),
        ("/api/symbols?q=a", 422, "unprocessable"),
    ] {
        let response = get(&router, path).await;
        assert_eq!((response.status.as_u16(), response.code()), (status, Some(code)), "{path}");
    }
}

#[tokio::test]
async fn symbols_are_listed_with_their_names() {
    let json = get(&all(parts().await), "/api/symbols").await.json();
    let symbols: Vec<_> =
        json["symbols"].as_array().unwrap().iter().map(|listed| listed["symbol"].as_str().unwrap()).collect();
    assert_eq!(symbols, ["AAPL", "FB", "GOOG", "IBM", "MSFT"]);
    assert_eq!(json["data_source"], "bundled sample");
    // FB was listed on 2012-05-18 and has 196 bars in the sample.
    let facebook = get(&all(parts().await), "/api/symbols/FB").await.json();
    assert_eq!((&facebook["first_date"], &facebook["bars"]), (&json!("2012-05-18"), &json!(196)));
}

#[tokio::test]
async fn own_bars_are_analyzed_and_invalid_ones_are_listed() {
    let router = all(parts().await);
    let mut bars = own_bars(300);
    bars[5]["close"] = json!(-1);
    bars[7] = bars[6].clone();
    bars[9]["date"] = bars[8]["date"].clone();
    let response = post(&router, "/api/analyze", &json!({"symbol": "MiNE", "bars": bars})).await;
    assert_eq!(response.status, 200);
    let json = response.json();
    assert_eq!((&json["symbol"], &json["data_source"]), (&json!("MiNE"), &json!("request")));
    assert_eq!(json["bars_used"], 296);
    let quality = &json["data_quality"];
    assert_eq!(quality["refused_total"], 4);
    let refused =
        [(5, "not_positive"), (7, "duplicate_date"), (8, "conflicting_date"), (9, "conflicting_date")];
    for (listed, (position, reason)) in quality["refused"].as_array().unwrap().iter().zip(refused) {
        assert_eq!((&listed["position"], &listed["reason"]), (&json!(position), &json!(reason)));
    }
    assert!(response.header(header::ETAG).is_empty());
}

#[tokio::test]
async fn own_bars_in_any_order_are_one_series() {
    let router = all(parts().await);
    let mut bars = own_bars(300);
    let oldest_first = post(&router, "/api/analyze", &json!({"symbol": "MINE", "bars": bars})).await;
    bars.reverse();
    let newest_first = post(&router, "/api/analyze", &json!({"symbol": "MINE", "bars": bars})).await;
    assert_eq!(newest_first.status, 200);
    assert_eq!(newest_first.json(), oldest_first.json());
}

#[tokio::test]
async fn unusable_own_bars_are_refused() {
    let router = all(parts().await);
    let bar = own_bars(1)[0].clone();
    let with = |field: &str, value: Value| {
        let mut bar = bar.clone();
        bar[field] = value;
        json!({"symbol": "MINE", "bars": [bar]})
    };
    for body in [
        json!({"symbol": "MINE", "bars": []}),
        json!({"symbol": "../x", "bars": [bar]}),
        json!({"bars": [bar]}),
        json!({"symbol": "MINE", "bars": [bar], "surprise": 1}),
        json!({"symbol": "MINE", "bars": [bar], "timeframe": "5m"}),
        json!({"symbol": "MINE", "bars": own_bars(20_001)}),
        with("open", json!("1")),
        with("open", json!(null)),
        with("high", json!(0.5)),
        with("date", json!("2024-02-30")),
        with("vwap", json!(1)),
    ] {
        let response = post(&router, "/api/analyze", &body).await;
        assert_eq!(
            (response.status.as_u16(), response.code()),
            (422, Some("unprocessable")),
            "{:.200}",
            body.to_string()
        );
    }
    let plain = Request::post("/api/analyze").body(Body::from("{}")).unwrap();
    assert_eq!(send(&router, plain).await.code(), Some("unsupported_media_type"));
}
