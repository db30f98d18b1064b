//! What the files of tests/fixtures/market_data do not show.

use domain::{PriceBasis, VolumeBasis};

use super::*;

fn fault(text: &str) -> Option<&'static str> {
    parse(text.as_bytes(), "AAPL".parse().unwrap()).err().map(|fault| fault.code())
}

#[test]
fn rows_have_to_be_of_the_symbol_in_the_name() {
    for (symbol, ticker, is_of) in [
        ("AAPL", "AAPL", true),
        ("AAPL", "AAPL.US", true),
        ("aapl.us", "AAPL.US", true),
        ("AAPL.US", "AAPL", true),
        ("BRK-B", "BRK.B", true),
        ("BRK.B", "BRK/B", true),
        ("BRK", "BRK.B", false),
        ("BAC", "BAC.PRA", false),
        ("AMPB", "AMpB", false),
        ("US", ".US", false),
        ("AAPL", "", false),
        ("AAPL", "Ä", false),
        ("AAPL", "MSFT", false),
    ] {
        let text = format!("ticker,date,o,h,l,c,v\n{ticker},2024-01-02,1,1,1,1,1\n");
        let parsed = parse(text.as_bytes(), symbol.parse().unwrap());
        assert_eq!(parsed.is_ok(), is_of, "{ticker} in {symbol}.csv: {:?}", parsed.err());
    }
}

#[test]
fn a_header_says_what_each_column_is() {
    for (header, expected) in [
        ("date,open,high,low,close,volume", None),
        ("Volume;CLOSE;Low;High;Open;DateTime", None),
        ("time\topen\thigh\tlow\tclose\tvolume", None),
        (",o,h,l,c,v", None),
        ("date,open,high,low,close", Some("missing_columns")),
        ("date,open,high,low,close,price,volume", Some("repeated_column")),
        ("2024-01-02,1,1,1,1,1", Some("missing_columns")),
    ] {
        let delimiter = header.chars().find(|letter| [';', '\t'].contains(letter)).unwrap_or(',');
        let cell = |name: &str| {
            if ["date", "time", "datetime", ""].contains(&&*name.to_lowercase()) { "2024-01-02" } else { "1" }
        };
        let row: Vec<&str> = header.split(delimiter).map(cell).collect();
        let found = fault(&format!("{header}\n{}\n", row.join(&delimiter.to_string())));
        assert_eq!(found, expected, "{header}");
    }
}

#[test]
fn days_and_months_that_were_swapped_show_in_the_order() {
    let file = |dates: &[&str]| {
        let rows: String = dates.iter().map(|date| format!("{date},1,1,1,1,1\n")).collect();
        fault(&format!("date,open,high,low,close,volume\n{rows}"))
    };
    assert_eq!(file(&["11/01/2024", "12/01/2024", "15/01/2024"]), None);
    assert_eq!(file(&["15/01/2024", "12/01/2024", "11/01/2024"]), None);
    assert_eq!(file(&["11/01/2024", "01/12/2024", "15/01/2024"]), Some("unordered_dates"));
    assert_eq!(file(&["2024-01-11", "2024-01-10", "2024-01-12"]), None);
}

#[test]
fn what_prices_and_volume_are_adjusted_for_follows_from_the_columns() {
    let bars = |header: &str, rows: [&str; 2]| {
        let text = format!("{header}\n2024-01-02,{}\n2024-01-03,{}\n", rows[0], rows[1]);
        let history = parse(text.as_bytes(), "AAPL".parse().unwrap()).unwrap().history;
        let volume = history.adjusted().view().volume[0];
        (history.raw_basis(), history.basis(), history.volume_basis(), volume)
    };
    let (raw, split, both) = (PriceBasis::Raw, PriceBasis::Split, PriceBasis::SplitDividend);
    let plain = "date,open,high,low,close,volume";
    assert_eq!(bars(plain, ["4,4,4,4,10", "2,2,2,2,20"]), (raw, raw, VolumeBasis::Raw, 10.0));
    let own = bars(&format!("{plain},adj_close"), ["4,4,4,4,10,2", "2,2,2,2,20,2"]);
    assert_eq!(own, (raw, both, VolumeBasis::Raw, 10.0));
    let yahoo = bars("Date,Open,High,Low,Close,Volume,Adj Close", ["2,2,2,2,20,2", "2,2,2,2,20,2"]);
    assert_eq!(yahoo, (split, both, VolumeBasis::Split, 20.0));
    // 2 for 1 on the second day.
    let tiingo = bars(&format!("{plain},adjClose,splitFactor"), ["4,4,4,4,10,2,1", "2,2,2,2,20,2,2"]);
    assert_eq!(tiingo, (raw, both, VolumeBasis::Split, 20.0));
}
