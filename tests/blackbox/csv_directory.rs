//! CSV files: a change on disk shows in the next response, and no cached response outlives its data.

use std::fmt::Write;
use std::path::Path;

use tests::{Server, ServerOptions};

/// Writes `<symbol>.csv`: one bar a day in 2020, closes moved by `step` times a small wave.
fn write(folder: &Path, symbol: &str, step: f64) {
    let mut text = "date,open,high,low,close,volume\n".to_owned();
    for day in 0..300_u32 {
        let (month, of_month) = (1 + day / 28, 1 + day % 28);
        let close = 100.0 + step * f64::from(day * day % 17);
        writeln!(text, "2020-{month:02}-{of_month:02},{close},{close},{close},{close},{}", 1000 + day)
            .unwrap();
    }
    // Replaced by renaming, as documented.
    let unfinished = folder.join("unfinished");
    std::fs::write(&unfinished, text).unwrap();
    std::fs::rename(unfinished, folder.join(format!("{symbol}.csv"))).unwrap();
}

fn serve(folder: &Path) -> Server {
    ServerOptions::new().set("MARKET_DATA_DIR", folder.to_string_lossy()).start()
}

#[test]
fn a_response_follows_its_file_and_the_markets_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "MINE", 1.0);
    let server = serve(folder.path());
    let alone = server.get("/api/analyze/MINE", &[]);
    let beta =
        |response: &tests::Response| response.json()["quantitative"]["metrics"]["beta"]["value"].as_f64();
    assert_eq!((alone.status, beta(&alone)), (200, None), "there is no market data");

    write(folder.path(), "SPY", 1.0);
    let if_none_match = [("If-None-Match", alone.header("etag").unwrap())];
    let with_market = server.get("/api/analyze/MINE", &if_none_match);
    assert_eq!(with_market.status, 200, "the market's file is new, so the cached copy is stale");
    assert!(beta(&with_market).is_some_and(|beta| (beta - 1.0).abs() < 1e-9), "{:?}", beta(&with_market));

    write(folder.path(), "SPY", 2.0);
    let changed = server.get("/api/analyze/MINE", &[]);
    assert!(beta(&changed).is_some_and(|beta| beta < 0.9), "{:?}", beta(&changed));

    write(folder.path(), "MINE", 3.0);
    let own = server.get("/api/analyze/MINE", &[]).json();
    assert_ne!(own["current_price"], changed.json()["current_price"]);
    let revalidated = server.get("/api/analyze/MINE", &if_none_match);
    assert_eq!(revalidated.status, 200);
}
