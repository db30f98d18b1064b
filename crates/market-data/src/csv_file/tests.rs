//! What the files of tests/fixtures/market_data do not show.

use domain::{PriceBasis, VolumeBasis};

use super::*;

const PLAIN: &str = "date,open,high,low,close,volume";
/// 2024-06-01T00:00:00Z.
const NOW_UNIX_MS: i64 = 1_717_200_000_000;

fn read(text: &str) -> Result<CsvFile, FileFault> {
    parse(text.as_bytes(), "AAPL".parse().unwrap(), NOW_UNIX_MS)
}

fn fault(text: &str) -> Option<&'static str> {
    read(text).err().map(|fault| fault.code())
}

/// The lines of the rows that are left out, with their reasons.
fn refused(file: &CsvFile) -> Vec<(usize, &'static str)> {
    let line = |row: &RefusedRow| match row.location {
        RowLocation::Line { line } | RowLocation::Position { position: line } => (line, row.reason.as_str()),
    };
    file.quality.refused.iter().map(line).collect()
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
        let parsed = parse(text.as_bytes(), symbol.parse().unwrap(), NOW_UNIX_MS);
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
        fault(&format!("{PLAIN}\n{rows}"))
    };
    assert_eq!(file(&["11/01/2024", "12/01/2024", "15/01/2024"]), None);
    assert_eq!(file(&["15/01/2024", "12/01/2024", "11/01/2024"]), None);
    assert_eq!(file(&["11/01/2024", "01/12/2024", "15/01/2024"]), Some("unordered_dates"));
    assert_eq!(file(&["2024-01-11", "2024-01-10", "2024-01-12"]), None);
}

#[test]
fn days_and_months_that_were_swapped_before_the_year_came_first_show_too() {
    let weekdays = || (19_724..19_850).filter(|day| ![2, 3].contains(&(day % 7)));
    let dates: Vec<Date> = weekdays().map(|day| Date::from_days(day).unwrap()).collect();
    let swap = |date: &Date| {
        let (year, month, day) = date.ymd();
        Date::new(year, day, month).unwrap_or(*date)
    };
    let swapped: Vec<Date> = dates.iter().map(swap).collect();
    let order = |dates: &[Date]| {
        let rows: String = dates.iter().map(|date| format!("{date},1,1,1,1,1\n")).collect();
        let file = read(&format!("{PLAIN}\n{rows}"));
        file.map_or_else(|fault| fault.code(), |file| file.mapping.rows.into())
    };
    let reversed = |dates: &[Date]| dates.iter().rev().copied().collect::<Vec<_>>();
    let (january, may) = (&dates[..22], &dates[86..]);
    for (dates, expected) in [
        (dates.clone(), "oldest_first"),
        (reversed(&dates), "newest_first"),
        (swapped.clone(), "unordered_dates"),
        (reversed(&swapped), "unordered_dates"),
        (swapped[..22].to_vec(), "unordered_dates"),
        // The first half alone, and with a row in a wrong place.
        ([&swapped[..45], &dates[45..]].concat(), "unordered_dates"),
        ([&swapped, &dates[50..51]].concat(), "unordered_dates"),
        ([may, january].concat(), "unordered"),
        ([&dates[..], &dates[5..9], &dates[3..4]].concat(), "unordered"),
        ([&dates[7..8], &dates].concat(), "unordered"),
        (dates.iter().step_by(2).chain(dates.iter().skip(1).step_by(2)).copied().collect(), "unordered"),
    ] {
        assert_eq!(order(&dates), expected, "{dates:?}");
    }
}

#[test]
fn what_prices_and_volume_are_adjusted_for_follows_from_the_columns() {
    let bars = |header: &str, rows: [&str; 2]| {
        let text = format!("{header}\n2024-01-02,{}\n2024-01-03,{}\n", rows[0], rows[1]);
        let history = read(&text).unwrap().history;
        let volume = history.adjusted().view().volume[0];
        (history.raw_basis(), history.basis(), history.volume_basis(), volume)
    };
    let (raw, split, both) = (PriceBasis::Raw, PriceBasis::Split, PriceBasis::SplitDividend);
    assert_eq!(bars(PLAIN, ["4,4,4,4,10", "2,2,2,2,20"]), (raw, raw, VolumeBasis::Raw, 10.0));
    let own = bars(&format!("{PLAIN},adj_close"), ["4,4,4,4,10,2", "2,2,2,2,20,2"]);
    assert_eq!(own, (raw, both, VolumeBasis::Raw, 10.0));
    let yahoo = bars("Date,Open,High,Low,Close,Volume,Adj Close", ["2,2,2,2,20,2", "2,2,2,2,20,2"]);
    assert_eq!(yahoo, (split, both, VolumeBasis::Split, 20.0));
    // 2 for 1 on the second day.
    let tiingo = bars(&format!("{PLAIN},adjClose,splitFactor"), ["4,4,4,4,10,2,1", "2,2,2,2,20,2,2"]);
    assert_eq!(tiingo, (raw, both, VolumeBasis::Split, 20.0));
    let named = bars(&format!("{PLAIN},split_coefficient"), ["4,4,4,4,10,1", "2,2,2,2,20,2"]);
    assert_eq!(named, (split, split, VolumeBasis::Split, 20.0));
    // Yahoo's closes are adjusted for splits: these are not.
    let raw_closes = bars("Date,Open,High,Low,Close,Volume,Adj Close", ["4,4,4,4,10,2", "2,2,2,2,20,2"]);
    assert_eq!(raw_closes, (raw, both, VolumeBasis::Raw, 10.0));
    let dividend = bars("Date,Open,High,Low,Close,Volume,Adj Close", ["8,8,8,8,10,7", "7,7,7,7,20,7"]);
    assert_eq!(dividend, (split, both, VolumeBasis::Split, 10.0));
    let wrong = bars("Date,Open,High,Low,Close,Volume,Adj Close", ["4,4,4,4,10,4", "4,4,4,4,20,40"]);
    assert_eq!(wrong, (split, both, VolumeBasis::Split, 10.0));
}

#[test]
fn a_split_on_a_row_that_is_left_out_applies() {
    let header = format!("{PLAIN},adjClose,splitFactor");
    let first = "2024-01-02,4,4,4,4,10,2,1\n2024-01-03,4,4,4,4,10,2,1";
    let [last, later] = ["2024-01-05,2,2,2,2,20,2,1", "2024-01-08,1,1,1,1,,1,2"];
    // The levels and the shares at the last bar for one at the first: 2 for 1 on 2024-01-04.
    for (rows, level, shares, left_out) in [
        (format!("2024-01-04,2,2,2,2,20,2,2\n{last}"), 2.0, Some(2.0), &[][..]),
        (format!("2024-01-04,2,2,2,2,,2,2\n{last}"), 2.0, Some(2.0), &[(4, "missing_field")]),
        // A split after the last bar is in no price.
        (format!("2024-01-04,2,2,2,2,20,2,2\n{last}\n{later}"), 2.0, Some(2.0), &[(6, "missing_field")]),
        (
            format!("2024-01-04,2,2,2,2,20,2,2\n2024-01-04,2,2,2,2,20,2,1\n{last}"),
            2.0,
            None,
            &[(4, "conflicting_date"), (5, "conflicting_date")],
        ),
    ] {
        let file = read(&format!("{header}\n{first}\n{rows}\n")).unwrap();
        assert_eq!(file.history.levels().0.view().close[0], level, "{rows}");
        assert_eq!(file.history.shares().first().copied(), shares, "{rows}");
        assert_eq!(refused(&file), left_out, "{rows}");
    }
}

#[test]
fn rows_with_another_adjusted_close_are_not_the_same_bar_again() {
    let rows = [(2, 1), (3, 1), (3, 1), (4, 1), (4, 2), (5, 1)];
    let row = |(day, adjusted): &(u8, u8)| format!("2024-01-0{day},1,1,1,1,1,{adjusted}\n");
    let rows: String = rows.iter().map(row).collect();
    let file = read(&format!("{PLAIN},adj_close\n{rows}")).unwrap();
    assert_eq!(refused(&file), [(4, "duplicate_date"), (5, "conflicting_date"), (6, "conflicting_date")]);
}

#[test]
fn a_quote_takes_no_rows_with_it() {
    let file = |rows: &str| fault(&format!("{PLAIN},note\n2024-01-02,1,1,1,1,1,\n{rows}"));
    assert_eq!(file("\"2024-01-03\",1,1,1,1,1,\"a, b\"\n"), None);
    assert_eq!(file("\"2024-01-03,1,1,1,1,1,\n2024-01-04,1,1,1,1,1,\n"), Some("line_break"));
    assert_eq!(file("2024-01-03,1,1,1,1,1,\"a\rb\"\n"), Some("line_break"));
    assert_eq!(fault(&format!("{PLAIN},\"note\n2024-01-02,1,1,1,1,1,\n")), Some("line_break"));
}

#[test]
fn a_first_line_may_name_the_separator() {
    for end in ["\n", "\r\n"] {
        let rows = ["sep=;", &PLAIN.replace(',', ";"), "2024-01-02;1,5;1,5;1,5;1,5;1", "x;1;1;1;1;1", ""];
        let file = read(&rows.join(end)).unwrap();
        assert_eq!((file.mapping.delimiter, file.history.raw().view().close), (';', &[1.5][..]));
        assert_eq!(refused(&file), [(4, "not_a_date")]);
    }
    assert_eq!(fault(&format!("sep=x\n{PLAIN}\n2024-01-02,1,1,1,1,1\n")), Some("missing_columns"));
}

#[test]
fn rows_of_the_future_are_left_out() {
    let file = |dates: &[&str]| {
        let rows: String = dates.iter().map(|date| format!("{date},1,1,1,1,1\n")).collect();
        read(&format!("{PLAIN}\n{rows}"))
    };
    // The day after now may have begun at an exchange in the east.
    let used = file(&["2024-05-31", "2024-06-02", "2024-06-03"]).unwrap();
    assert_eq!(used.history.as_of(), Some("2024-06-02".parse().unwrap()));
    assert_eq!(refused(&used), [(4, "in_the_future")]);
    assert_eq!(
        file(&["2099-01-05", "2099-01-06"]).unwrap_err().to_string(),
        "2 of 2 rows cannot be used: line 2 (in_the_future), line 3 (in_the_future)"
    );
}

#[test]
fn a_column_of_times_has_to_leave_the_date_as_it_is() {
    for (time, expected) in [
        ("", None),
        ("00:00:00", None),
        ("16:00", None),
        ("160000", None),
        ("23:00:00", Some("unusable_rows")),
        ("230000", Some("unusable_rows")),
        ("late", Some("unusable_rows")),
    ] {
        assert_eq!(fault(&format!("{PLAIN},time\n2024-01-02,1,1,1,1,1,{time}\n")), expected, "{time}");
    }
}
