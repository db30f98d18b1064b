//! `data check` says of each file what the server makes of it.

use std::path::Path;

use crate::command::Workspace;

/// A file as a source exports it, from `tests/fixtures/market_data`.
fn export(name: &str) -> Vec<u8> {
    std::fs::read(tests::workspace_root().join("tests/fixtures/market_data").join(name)).unwrap()
}

fn write(directory: &Path, name: &str, content: &[u8]) {
    std::fs::create_dir_all(directory).unwrap();
    std::fs::write(directory.join(name), content).unwrap();
}

#[test]
fn usable_files_are_listed_with_their_mapping() {
    let workspace = Workspace::new();
    let prices = workspace.path("prices");
    write(&prices, "AAPL.csv", &export("investing_uk.csv"));
    write(&prices, "BRK-B.csv", &export("nasdaq_without_a_volume.csv"));
    let result = workspace.run("data check prices");
    assert_eq!((result.exit_code, result.stderr.as_str()), (0, ""), "{result:?}");
    for expected in [
        "AAPL.csv   30    2024-01-02  2024-02-13  raw       0         day_first    newest_first  Investing.com: close=Price",
        "BRK-B.csv  29    2024-01-02",
        "\"AAPL.csv\": volume is rounded by the source\n",
        "\"BRK-B.csv\": rows left out: 1 missing_field; the first is of 2024-02-07\n",
        "2 usable, 0 unusable\n",
    ] {
        assert!(result.stdout.contains(expected), "{expected}: {}", result.stdout);
    }
    assert_eq!(workspace.run("data check prices --strict").exit_code, 3);
    let json = workspace.run("data check prices --json").json();
    assert_eq!(json["schema"], "investiq.data.check.v1");
    let [apple, berkshire] = [&json["files"][0], &json["files"][1]];
    assert_eq!((&apple["symbol"], &apple["bars"]), (&"AAPL".into(), &30.into()));
    assert_eq!(apple["mapping"]["columns"]["volume"], "Vol.");
    assert_eq!(
        berkshire["refused"][0],
        serde_json::json!({"line": 6, "date": "2024-02-07", "reason": "missing_field"})
    );
}

#[test]
fn unusable_files_are_listed_with_their_reason_and_fail_the_check() {
    let workspace = Workspace::new();
    let prices = workspace.path("prices");
    write(&prices, "AAPL.csv", &export("investing_first_days_of_a_month.csv"));
    write(&prices, "MSFT.csv", &export("stooq_no_data.csv"));
    write(&prices, "0700.HK.csv", &export("stooq_daily.csv"));
    write(&prices, "AAPL Historical Data.csv", &export("investing_us.csv"));
    let result = workspace.run("data check prices");
    assert_eq!(result.exit_code, 3, "{result:?}");
    for expected in [
        "0700.HK.csv  30  ",
        "\"AAPL Historical Data.csv\" cannot be used (name): the file's name is not a symbol: rename it",
        "\"AAPL.csv\" cannot be used (ambiguous_dates): dates such as `02/12/2024` may begin with the day or the month",
        "\"MSFT.csv\" cannot be used (missing_columns): no column for date, open, high, low, close, volume: the header is `No data`",
        "1 usable, 3 unusable\n",
    ] {
        assert!(result.stdout.contains(expected), "{expected}: {}", result.stdout);
    }
    let json = workspace.run("data check prices --json").json();
    assert_eq!((&json["usable"], &json["unusable"]), (&1.into(), &3.into()));
    assert_eq!(json["files"][2]["reason"], "ambiguous_dates");

    assert_eq!(workspace.run("data check nowhere").exit_code, 1);
    std::fs::create_dir(workspace.path("empty")).unwrap();
    assert_eq!(workspace.run("data check empty").exit_code, 2);
}
