use super::*;
use crate::csv_file::{FILE_BYTES_MAX, ROWS_MAX};
use crate::{FileFault, Listing, MarketData, RowLocation};

/// 2013-01-31T00:00:00Z.
const NOW_UNIX_MS: i64 = 1_359_590_400_000;

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
        MarketData::csv_directory(self.0.path(), Arc::new(|| NOW_UNIX_MS)).unwrap()
    }
}

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

const HEADER: &str = "date,open,high,low,close,volume\n";

/// One bar of each close, from 2013-01-01 on.
fn file(closes: &[u32]) -> String {
    let row =
        |(day, close): (usize, &u32)| format!("2013-01-{:02},{close},{close},{close},{close},10\n", day + 1);
    HEADER.to_owned() + &closes.iter().enumerate().map(row).collect::<String>()
}

async fn close(market_data: &MarketData, text: &str) -> Result<(String, f64), Error> {
    let snapshot = market_data.snapshot(&symbol(text)).await?;
    Ok((snapshot.history.symbol().to_string(), *snapshot.history.raw().view().close.last().unwrap()))
}

#[tokio::test]
async fn bad_rows_are_listed_with_their_lines_and_the_others_are_used() {
    let directory = Directory::new();
    let rows = "2013-01-02,1,1,1,1,10\n\
                2013-01-03,1,1,1,x,10\n\
                2013-02-30,1,1,1,1,10\n\
                \n\
                2013-01-04,1,0.5,1,1,10\n\
                2013-01-02,1,1,1,1,10\n\
                2013-01-08,1,1,1,1,10\n\
                2013-01-08,2,2,2,2,10\n\
                2013-01-07,1,1,1,1,10,\n";
    let good: String = (9..20).map(|day| format!("2013-01-{day:02},1,1,1,1,10\n")).collect();
    directory.write("ACME.csv", format!("{HEADER}{rows}{good}"));
    let snapshot = directory.open().snapshot(&symbol("ACME")).await.unwrap();
    assert_eq!(snapshot.history.raw().len(), 12);
    assert_eq!(snapshot.as_of.to_string(), "2013-01-19");
    let quality = &snapshot.quality;
    let reasons: Vec<_> = quality.refused.iter().map(|row| (row.location, row.reason.as_str())).collect();
    let line = |line| RowLocation::Line { line };
    assert_eq!(
        reasons,
        [
            (line(3), "not_a_number"),
            (line(4), "not_a_date"),
            (line(6), "inconsistent"),
            (line(7), "duplicate_date"),
            (line(8), "conflicting_date"),
            (line(9), "conflicting_date"),
            (line(10), "field_count"),
        ]
    );
    assert_eq!(quality.refused[0].date, Some("2013-01-03".parse().unwrap()));
    assert_eq!(
        quality.notes.last().unwrap(),
        "rows left out: 2 conflicting_date, 1 duplicate_date, 1 field_count, 1 inconsistent, 1 not_a_date, \
         1 not_a_number; the first is of 2013-01-02"
    );
}

#[tokio::test]
async fn float_dust_moves_no_figure_and_a_real_contradiction_is_dropped_visibly() {
    let directory = Directory::new();
    let dust = 185.64_f64.next_down();
    let with_high = |high: f64| {
        let rows: String = (1..29)
            .map(|day| match day {
                7 | 9 => format!("2013-01-{day:02},185,{high},184,185.64,10\n"),
                _ => format!("2013-01-{day:02},185,186,184,185.64,10\n"),
            })
            .collect();
        format!("{HEADER}{rows}")
    };
    directory.write("DUST.csv", with_high(dust));
    directory.write("BAD.csv", with_high(185.63));
    let market_data = directory.open();
    let dusty = market_data.snapshot(&symbol("DUST")).await.unwrap();
    assert_eq!((dusty.history.raw().len(), dusty.quality.refused_total), (28, 0));
    assert_eq!(dusty.history.raw().view().high[6], 185.64);
    let bad = market_data.snapshot(&symbol("BAD")).await.unwrap();
    assert_eq!(bad.history.raw().len(), 26);
    assert_eq!(
        bad.quality.notes.last().unwrap(),
        "rows left out: 2 inconsistent; the first is of 2013-01-07"
    );
}

#[tokio::test]
async fn unusable_files_are_reported_with_their_fault() {
    let directory = Directory::new();
    directory.write("EMPTY.csv", "");
    directory.write("HEADER.csv", "<!DOCTYPE html>\n<html>");
    directory.write("NOROWS.csv", HEADER);
    directory.write("LARGE.csv", vec![b'1'; FILE_BYTES_MAX + 1]);
    directory.write("LONG.csv", format!("{HEADER}{}", "x\n".repeat(ROWS_MAX + 1)));
    directory.write("WIDE.csv", b"\xFF\xFEd\0a\0");
    directory.write("Book1 (2).csv", file(&[1, 2]));
    directory.write("UPPER.CSV", file(&[1, 2]));
    directory.write("GOOD.csv", file(&[1, 2]));
    std::fs::create_dir(directory.0.path().join("FOLDER.csv")).unwrap();
    let market_data = directory.open();
    let missing = ["date", "open", "high", "low", "close", "volume"].to_vec();
    for (name, fault) in [
        ("EMPTY", FileFault::Empty),
        ("HEADER", FileFault::MissingColumns { missing, header: "<!DOCTYPE html>".to_owned() }),
        ("NOROWS", FileFault::NoRows),
        ("LARGE", FileFault::TooLarge { limit_bytes: FILE_BYTES_MAX }),
        ("LONG", FileFault::TooManyRows { limit_rows: ROWS_MAX }),
        ("WIDE", FileFault::Encoding),
        ("FOLDER", FileFault::Unreadable { kind: std::io::ErrorKind::IsADirectory }),
    ] {
        let symbol = symbol(name);
        let error = market_data.snapshot(&symbol).await.unwrap_err();
        assert_eq!(error, Error::UnusableFile { symbol, file: format!("{name}.csv"), fault }, "{name}");
    }
    let absent = symbol("ABSENT");
    let unknown = Error::UnknownSymbol { symbol: absent, similar: vec![] };
    assert_eq!(market_data.snapshot(&absent).await.unwrap_err(), unknown);

    let Listing { symbols, unusable_total, unusable } = market_data.symbols().await.unwrap();
    assert_eq!(symbols.iter().map(|listing| listing.symbol).collect::<Vec<_>>(), [symbol("GOOD")]);
    let listed: Vec<_> = unusable.iter().map(|file| (file.file.as_str(), file.reason)).collect();
    assert_eq!(
        listed,
        [
            ("Book1 (2).csv", "name"),
            ("EMPTY.csv", "empty"),
            ("FOLDER.csv", "unreadable"),
            ("HEADER.csv", "missing_columns"),
            ("LARGE.csv", "too_large"),
            ("LONG.csv", "too_many_rows"),
            ("NOROWS.csv", "no_rows"),
            ("UPPER.CSV", "name"),
            ("WIDE.csv", "encoding"),
        ]
    );
    assert_eq!(unusable_total, listed.len());
}

#[tokio::test]
async fn a_file_of_which_most_is_unusable_is_refused_with_its_first_lines() {
    let directory = Directory::new();
    let rows = "x,1,1,1,1,1\n2013-01-02,1,1,1,1\n".to_owned() + &"2013-01-03,0,0,0,0,0\n".repeat(998);
    directory.write("BAD.csv", format!("{HEADER}2013-01-01,1,1,1,1,1\n{rows}"));
    let error = directory.open().snapshot(&symbol("BAD")).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "market data file BAD.csv cannot be used: 1000 of 1001 rows cannot be used: line 3 (not_a_date), \
         line 4 (field_count), line 5 (not_positive), line 6 (not_positive), line 7 (not_positive)"
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
    directory.write("ACME.csv", file(&[1]));
    let market_data = directory.open();
    let first = market_data.snapshot(&symbol("ACME")).await.unwrap();
    let second = market_data.snapshot(&symbol("acme")).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert!(market_data.symbols().await.unwrap().unusable.is_empty());
    directory.write("ACME.csv", file(&[1, 2]));
    let third = market_data.snapshot(&symbol("ACME")).await.unwrap();
    assert_eq!(third.history.raw().len(), 2);
    assert_ne!(first.version, third.version);
    directory.write("ACME.csv", "nothing");
    assert_eq!(market_data.symbols().await.unwrap().unusable[0].reason, "missing_columns");
    std::fs::remove_file(directory.0.path().join("ACME.csv")).unwrap();
    assert_eq!(market_data.symbols().await.unwrap(), Listing::default());
}

#[tokio::test]
async fn a_file_renamed_over_another_is_read_even_with_its_size_and_time() {
    let directory = Directory::new();
    directory.write("ACME.csv", file(&[1]));
    directory.write("NEW", file(&[2]));
    let [old, new] = ["ACME.csv", "NEW"].map(|name| directory.0.path().join(name));
    let modified_at = std::fs::metadata(&old).unwrap().modified().unwrap();
    std::fs::File::options().write(true).open(&new).unwrap().set_modified(modified_at).unwrap();
    let market_data = directory.open();
    assert_eq!(close(&market_data, "ACME").await, Ok(("ACME".to_owned(), 1.0)));
    std::fs::rename(new, old).unwrap();
    assert_eq!(close(&market_data, "ACME").await, Ok(("ACME".to_owned(), 2.0)));
}

#[tokio::test]
async fn symbols_are_listed_by_file_name_and_spy_is_the_market() {
    let directory = Directory::new();
    for name in ["ACME.csv", "SPY.csv", "0700.HK.csv", "7203.T.csv", "BRK-B.csv", "VOLV-B.ST.csv", "ACME.txt"]
    {
        directory.write(name, file(&[4, 5]));
    }
    let market_data = directory.open();
    let listing = market_data.symbols().await.unwrap();
    let symbols: Vec<String> = listing.symbols.iter().map(|listing| listing.symbol.to_string()).collect();
    assert_eq!(symbols, ["0700.HK", "7203.T", "ACME", "BRK-B", "SPY", "VOLV-B.ST"]);
    for symbol in symbols {
        assert_eq!(close(&market_data, &symbol).await, Ok((symbol, 5.0)));
    }
    assert_eq!(market_data.benchmark().await.unwrap().returns.values(), [0.25]);
    assert_eq!(market_data.probe().await, Ok(()));
    std::fs::remove_dir_all(directory.0.path()).unwrap();
    assert!(market_data.probe().await.is_err());
    assert!(MarketData::csv_directory(directory.0.path(), Arc::new(|| 0)).is_err());
}

#[tokio::test]
async fn a_symbol_is_never_that_of_another_file() {
    let directory = Directory::new();
    directory.write("AMPB.csv", file(&[1, 10]));
    directory.write("AMpB.csv", file(&[1, 20]));
    directory.write("MSFT.csv", file(&[1, 30]));
    directory.write("ibm.csv", file(&[1, 40]));
    let market_data = directory.open();
    for (written, expected) in [
        ("AMPB", Ok(("AMPB", 10.0))),
        ("AMpB", Ok(("AMpB", 20.0))),
        ("ampb", Err(vec!["AMPB", "AMpB"])),
        ("AmPb", Err(vec!["AMPB", "AMpB"])),
        ("msft", Ok(("MSFT", 30.0))),
        ("MSfT", Err(vec!["MSFT"])),
        ("IBM", Ok(("ibm", 40.0))),
    ] {
        let expected = expected.map(|(symbol, close)| (symbol.to_owned(), close)).map_err(|similar| {
            Error::UnknownSymbol {
                symbol: symbol(written),
                similar: similar.into_iter().map(symbol).collect(),
            }
        });
        assert_eq!(close(&market_data, written).await, expected, "{written}");
    }
}
