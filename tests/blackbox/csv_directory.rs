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

/// A file as a source exports it, from `tests/fixtures/market_data`.
fn export(name: &str) -> Vec<u8> {
    std::fs::read(tests::workspace_root().join("tests/fixtures/market_data").join(name)).unwrap()
}

#[test]
fn an_unusable_file_is_reported_as_such_in_the_list_the_log_and_the_response() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "MINE", 1.0);
    let write_export = |file: &str, name| std::fs::write(folder.path().join(file), export(name)).unwrap();
    write_export("0700.HK.csv", "stooq_daily.csv");
    write_export("AAPL.csv", "investing_first_days_of_a_month.csv");
    write_export("HistoricalData_1706000000.csv", "nasdaq_historical.csv");
    let mut server = serve(folder.path());

    let listing = server.get("/api/symbols", &[]).json();
    let symbols: Vec<_> =
        listing["symbols"].as_array().unwrap().iter().map(|listed| &listed["symbol"]).collect();
    assert_eq!(symbols, ["0700.HK", "MINE"]);
    let unusable = listing["unusable_files"].as_array().unwrap();
    let text = |file: &serde_json::Value, member: &str| file[member].as_str().unwrap().to_owned();
    let reasons: Vec<_> = unusable.iter().map(|file| (text(file, "file"), text(file, "reason"))).collect();
    let expected = [("AAPL.csv", "ambiguous_dates"), ("HistoricalData_1706000000.csv", "name")];
    assert_eq!(reasons, expected.map(|(file, reason)| (file.to_owned(), reason.to_owned())));
    assert_eq!((&listing["unusable_total"], &listing["sample"]), (&2.into(), &false.into()));

    let problem = server.get("/api/analyze/AAPL", &[]);
    assert_eq!((problem.status, &problem.problem()["code"]), (500, &"unusable_file".into()));
    assert_eq!(problem.problem()["reason"], "ambiguous_dates");
    let detail = problem.problem()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("AAPL.csv cannot be used: dates such as `02/12/2024`"), "{detail}");
    let unknown = server.get("/api/analyze/Mine", &[]).problem();
    assert_eq!(
        (&unknown["code"], &unknown["similar"]),
        (&"unknown_symbol".into(), &serde_json::json!(["MINE"]))
    );

    let mapping = &server.get("/api/symbols/0700.HK", &[]).json()["mapping"];
    assert_eq!((&mapping["columns"]["close"], &mapping["rows"]), (&"Close".into(), &"oldest_first".into()));
    let log = server.stop_and_read_log();
    for (file, reason) in expected {
        let lines = log.lines().filter(|line| line.contains("market data file cannot be used"));
        let of_file: Vec<_> = lines.filter(|line| line.contains(file) && line.contains(reason)).collect();
        assert_eq!(of_file.len(), 1, "{file}: {log}");
    }
}

#[test]
fn a_dropped_bar_is_counted_with_its_first_date_and_rows_may_be_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "ASCENDING", 1.0);
    let text = std::fs::read_to_string(folder.path().join("ASCENDING.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let mut rows: Vec<&str> = rows.lines().collect();
    rows.reverse();
    std::fs::write(folder.path().join("NEWEST.csv"), format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    rows[2] = "2020-11-18,100,99,100,100,1";
    rows[5] = "2020-11-15,100,99,100,100,1";
    std::fs::write(folder.path().join("DAMAGED.csv"), format!("{header}\n{}\n", rows.join("\n"))).unwrap();
    let server = serve(folder.path());
    let bars = |symbol| server.get(&format!("/api/bars/{symbol}?days=20000"), &[]).json()["bars"].clone();
    assert_eq!(bars("NEWEST"), bars("ASCENDING"));
    assert_eq!(bars("NEWEST").as_array().unwrap().len(), 300);
    let damaged = server.get("/api/analyze/DAMAGED", &[]).json();
    assert_eq!(damaged["data_quality"]["refused_total"], 2, "{damaged}");
    let notes = damaged["data_quality"]["notes"].as_array().unwrap();
    assert!(notes.contains(&"rows left out: 2 inconsistent; the first is of 2020-11-15".into()), "{notes:?}");
}
