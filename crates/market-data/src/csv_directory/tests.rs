use super::*;
use crate::{Fault, MarketData, REFUSED_LISTED_MAX, RowFault, RowLocation};

/// A directory that is removed after the test.
struct Directory(tempfile::TempDir);

impl Directory {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.0.path().join(name), content).unwrap();
    }

    fn open(&self) -> MarketData {
        MarketData::csv_directory(self.0.path(), Arc::new(|| 1_000)).unwrap()
    }
}

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

const HEADER: &str = "date,open,high,low,close,volume\n";

#[tokio::test]
async fn bad_rows_are_listed_with_their_lines_and_the_others_are_used() {
    let directory = Directory::new();
    let rows = "2013-01-02,1,1,1,1,10\n\
                2013-01-03,1,1,1,x,10\n\
                2013-02-30,1,1,1,1,10\n\
                \n\
                2013-01-04,1,0.5,1,1,10\n\
                2013-01-02,1,1,1,1,10\n\
                2013-01-07,1,1,1,1,10\n";
    directory.write("ACME.csv", format!("{HEADER}{rows}"));
    let snapshot = directory.open().snapshot(&symbol("ACME")).await.unwrap();
    assert_eq!(snapshot.history.raw().len(), 2);
    assert_eq!(snapshot.as_of.to_string(), "2013-01-07");
    let reasons: Vec<_> =
        snapshot.quality.refused.iter().map(|row| (row.location, row.reason.as_str())).collect();
    let line = |line| RowLocation::Line { line };
    assert_eq!(
        reasons,
        [
            (line(3), "not_a_number"),
            (line(4), "not_a_date"),
            (line(5), "field_count"),
            (line(6), "inconsistent"),
            (line(7), "duplicate_date"),
        ]
    );
    assert_eq!(snapshot.quality.refused[0].date, Some("2013-01-03".parse().unwrap()));
}

#[tokio::test]
async fn the_list_of_bad_rows_is_bounded() {
    let directory = Directory::new();
    let bad = "x,1,1,1,1,1\n".repeat(1_000);
    directory.write("ACME.csv", format!("{HEADER}2013-01-02,1,1,1,1,10\n{bad}"));
    let quality = directory.open().snapshot(&symbol("ACME")).await.unwrap().quality.clone();
    assert_eq!((quality.refused_total, quality.refused.len()), (1_000, REFUSED_LISTED_MAX));
    assert!(quality.refused.iter().all(|row| row.reason == RowFault::NotADate));
}

#[tokio::test]
async fn unusable_files_are_reported_with_their_fault() {
    let directory = Directory::new();
    directory.write("EMPTY.csv", "");
    directory.write("HEADER.csv", "Date,Open,High,Low,Close,Volume\n");
    directory.write("NOROWS.csv", HEADER);
    directory.write("LARGE.csv", vec![b'1'; FILE_BYTES_MAX + 1]);
    directory.write("LONG.csv", format!("{HEADER}{}", "\n".repeat(ROWS_MAX + 1)));
    std::fs::create_dir(directory.0.path().join("FOLDER.csv")).unwrap();
    let market_data = directory.open();
    for (name, fault) in [
        ("EMPTY", Fault::Header),
        ("HEADER", Fault::Header),
        ("NOROWS", Fault::NoBars),
        ("LARGE", Fault::TooLarge { limit_bytes: FILE_BYTES_MAX }),
        ("LONG", Fault::TooManyRows { limit_rows: ROWS_MAX }),
    ] {
        let symbol = symbol(name);
        let error = market_data.snapshot(&symbol).await.unwrap_err();
        assert_eq!(error, Error::BadData { symbol, fault }, "{name}");
    }
    for name in ["FOLDER", "ABSENT"] {
        let symbol = symbol(name);
        assert_eq!(
            market_data.snapshot(&symbol).await.unwrap_err(),
            Error::UnknownSymbol { symbol },
            "{name}"
        );
    }
}

#[tokio::test]
async fn files_without_usable_rows_are_reported_with_their_first_lines() {
    let directory = Directory::new();
    let rows = "x,1,1,1,1,1\n2013-01-02,1,1,1,1\n".to_owned() + &"2013-01-02,0,0,0,0,0\n".repeat(998);
    directory.write("BAD.csv", format!("{HEADER}{rows}"));
    let error = directory.open().snapshot(&symbol("BAD")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid data for BAD: none of 1000 rows is usable: line 2 (not_a_date), \
         line 3 (field_count), line 4 (not_positive), line 5 (not_positive), line 6 (not_positive)"
    );
}

#[tokio::test]
async fn byte_order_marks_and_crlf_are_accepted() {
    let directory = Directory::new();
    directory.write(
        "ACME.csv",
        "\u{FEFF}date,open,high,low,close,volume,adj_close\r\n2013-01-02,4,4,4,4,10,1\r\n2013-01-03,4,4,4,4,10,2",
    );
    let snapshot = directory.open().snapshot(&symbol("ACME")).await.unwrap();
    assert_eq!(snapshot.quality.refused_total, 0);
    // Factors 0.25 and 0.5, scaled to 1 at the last bar.
    assert_eq!(snapshot.history.adjusted().view().close, [2.0, 4.0]);
    assert_eq!(snapshot.history.raw().view().close, [4.0, 4.0]);
}

#[tokio::test]
async fn only_changed_files_are_read_again() {
    let directory = Directory::new();
    directory.write("ACME.csv", format!("{HEADER}2013-01-02,1,1,1,1,10\n"));
    let market_data = directory.open();
    let first = market_data.snapshot(&symbol("ACME")).await.unwrap();
    let second = market_data.snapshot(&symbol("acme")).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    directory.write("ACME.csv", format!("{HEADER}2013-01-02,1,1,1,1,10\n2013-01-03,2,2,2,2,10\n"));
    let third = market_data.snapshot(&symbol("ACME")).await.unwrap();
    assert_eq!(third.history.raw().len(), 2);
    assert_ne!(first.version, third.version);
}

#[tokio::test]
async fn symbols_are_listed_by_file_name_and_spy_is_the_market() {
    let directory = Directory::new();
    for name in ["ACME.csv", "SPY.csv", "lower.csv", "ACME.txt", "..csv", "TOO.MANY.DOTS.csv"] {
        directory.write(name, format!("{HEADER}2013-01-02,4,4,4,4,1\n2013-01-03,5,5,5,5,1\n"));
    }
    let market_data = directory.open();
    let symbols: Vec<_> = market_data.symbols().await.unwrap().iter().map(|listing| listing.symbol).collect();
    assert_eq!(symbols, [symbol("ACME"), symbol("SPY")]);
    assert_eq!(market_data.benchmark().await.unwrap().returns.values(), [0.25]);
    assert_eq!(market_data.probe().await, Ok(()));
    std::fs::remove_dir_all(directory.0.path()).unwrap();
    assert!(market_data.probe().await.is_err());
    assert!(MarketData::csv_directory(directory.0.path(), Arc::new(|| 0)).is_err());
}
