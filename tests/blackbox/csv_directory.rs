//! One's own files: what changes on disk shows in the next answer, and no kept answer outlives what it was made of.

use std::fmt::Write;
use std::path::Path;

use tests::{Server, ServerOptions};

/// Writes `<symbol>.csv`: one bar each day of 2020, the closes moved by `step` times a small wave.
fn write(folder: &Path, symbol: &str, step: f64) {
    let mut text = "date,open,high,low,close,volume\n".to_owned();
    for day in 0..300_u32 {
        let (month, of_month) = (1 + day / 28, 1 + day % 28);
        let close = 100.0 + step * f64::from(day * day % 17);
        writeln!(text, "2020-{month:02}-{of_month:02},{close},{close},{close},{close},{}", 1000 + day)
            .unwrap();
    }
    // Replaced by renaming, as the documentation asks.
    let unfinished = folder.join("unfinished");
    std::fs::write(&unfinished, text).unwrap();
    std::fs::rename(unfinished, folder.join(format!("{symbol}.csv"))).unwrap();
}

fn over(folder: &Path) -> Server {
    ServerOptions::new().set("MARKET_DATA_DIR", folder.to_string_lossy()).start()
}

#[test]
fn an_answer_follows_its_file_and_the_markets_file() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "MINE", 1.0);
    let server = over(folder.path());
    let alone = server.get("/api/analyze/MINE", &[]);
    let beta = |answer: &tests::Answer| answer.json()["quantitative"]["metrics"]["beta"]["value"].as_f64();
    assert_eq!((alone.status, beta(&alone)), (200, None), "no market is known");

    write(folder.path(), "SPY", 1.0);
    let held = [("If-None-Match", alone.header("etag").unwrap())];
    let with_market = server.get("/api/analyze/MINE", &held);
    assert_eq!(with_market.status, 200, "the market's file is new, so the copy is not current");
    assert!(beta(&with_market).is_some_and(|beta| (beta - 1.0).abs() < 1e-9), "{:?}", beta(&with_market));

    write(folder.path(), "SPY", 2.0);
    let changed = server.get("/api/analyze/MINE", &[]);
    assert!(beta(&changed).is_some_and(|beta| beta < 0.9), "{:?}", beta(&changed));

    write(folder.path(), "MINE", 3.0);
    let own = server.get("/api/analyze/MINE", &[]).json();
    assert_ne!(own["current_price"], changed.json()["current_price"]);
    let again = server.get("/api/analyze/MINE", &[("If-None-Match", alone.header("etag").unwrap())]);
    assert_eq!(again.status, 200);
}
