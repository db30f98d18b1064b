//! 60 files as eight sources export them, made by `tests/fixtures/market_data/make.py`: each is read right or refused right.

use std::collections::BTreeMap;
use std::path::PathBuf;

use market_data::csv_directory::read_file;
use market_data::{Error, Mapping, Snapshot};
use serde_json::Value;

use crate::symbol;

/// 2024-12-31T00:00:00Z, after the last bar.
const NOW_UNIX_MS: i64 = 1_735_603_200_000;

fn folder() -> PathBuf {
    tests::workspace_root().join("tests/fixtures/market_data")
}

fn is_close(found: f64, expected: f64, tolerance: f64) -> bool {
    (found - expected).abs() <= tolerance * expected.abs()
}

/// What differs from the script's own account of a file.
fn differences(snapshot: &Snapshot, expected: &Value) -> Vec<String> {
    let bars = snapshot.history.raw().view();
    let mut found = Vec::new();
    let mut compare = |what: &str, found_value: String, expected_value: &Value| {
        let expected_text = expected_value.as_str().map_or_else(|| expected_value.to_string(), str::to_owned);
        if found_value != expected_text {
            found.push(format!("{what} {found_value}, not {expected_text}"));
        }
    };
    compare("bars", bars.len().to_string(), &expected["bars"]);
    compare("first", bars.date[0].to_string(), &expected["first"]);
    compare("last", snapshot.as_of.to_string(), &expected["last"]);
    let Mapping { source, dates, decimals, rows, .. } = snapshot.mapping.as_deref().unwrap();
    compare("source", source.unwrap_or("null").to_owned(), &expected["mapping"]["source"]);
    compare("dates", (*dates).to_owned(), &expected["mapping"]["dates"]);
    compare("decimals", (*decimals).to_owned(), &expected["mapping"]["decimals"]);
    compare("rows", <&str>::from(*rows).to_owned(), &expected["mapping"]["rows"]);
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    snapshot.quality.refused.iter().for_each(|row| *refused.entry(row.reason.as_str()).or_default() += 1);
    compare("refused", serde_json::to_string(&refused).unwrap(), &expected["refused"]);
    let columns = [bars.open, bars.high, bars.low, bars.close, bars.volume];
    for (column, sum) in columns.iter().zip(expected["sums"].as_array().unwrap()) {
        let (total, expected) = (column.iter().sum::<f64>(), sum.as_f64().unwrap());
        if !is_close(total, expected, 1e-12) {
            found.push(format!("sum {total}, not {expected}"));
        }
    }
    let (adjusted, expected) =
        (snapshot.history.adjusted().view().close[0], expected["adjusted_first"].as_f64().unwrap());
    // Sources round adjusted closes to six decimals or to 32 bits.
    if !is_close(adjusted, expected, 1e-6) {
        found.push(format!("adjusted close {adjusted}, not {expected}"));
    }
    found
}

#[test]
fn each_file_of_eight_sources_is_read_right_or_refused_right() {
    let expected = std::fs::read(folder().join("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_slice(&expected).unwrap();
    let on_disk = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    assert_eq!(on_disk.filter(|path| path.extension().is_some_and(|kind| kind == "csv")).count(), 60);
    let mut wrong = Vec::new();
    for expected in &expected {
        let name = format!("{}.csv", expected["file"].as_str().unwrap());
        let differences = match read_file(&folder().join(&name), symbol("AAPL"), NOW_UNIX_MS) {
            Ok(snapshot) if expected["fault"].is_null() => differences(&snapshot, expected),
            Err(Error::UnusableFile { fault, .. }) if expected["fault"] == fault.code() => Vec::new(),
            Ok(_) => vec![format!("it was read, not refused as {}", expected["fault"])],
            Err(error) => vec![format!("{error}, not {}", expected["fault"])],
        };
        wrong.extend(differences.into_iter().map(|difference| format!("{name}: {difference}")));
    }
    assert_eq!((expected.len(), wrong), (60, vec![]));
}

#[test]
fn a_wrong_reading_is_seen() {
    let snapshot = read_file(&folder().join("investing_us.csv"), symbol("AAPL"), NOW_UNIX_MS).unwrap();
    let expected = std::fs::read(folder().join("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_slice(&expected).unwrap();
    let of = |name: &str| expected.iter().find(|entry| entry["file"] == name).unwrap();
    assert_eq!(differences(&snapshot, of("investing_us")), Vec::<String>::new());
    assert_eq!(differences(&snapshot, of("investing_uk")), ["dates month_first, not day_first"]);
    assert!(differences(&snapshot, of("nasdaq_thousands")).len() > 4);
}
