use super::*;

fn error(text: &str) -> String {
    parse(text.as_bytes(), Provider::Alpaca).unwrap_err().to_string()
}

#[test]
fn rows_are_lines_with_or_without_ids() {
    let text = "kind,date,id,account,symbol,quantity,amount,currency,status\n\
        cash_entry,2026-03-02,e1,a1,,,-1.50,USD,settled\n\
        execution,2026-03-04T15:00:00Z,,alpaca:a1,AAPL,2,-360.60,USD,\n\
        position,2026-03-03,,a1,AAPL,2,,,\n";
    let statement = parse(text.as_bytes(), Provider::Alpaca).unwrap();
    let [entry, execution, position] = statement.lines.as_slice() else { panic!("{statement:?}") };
    assert_eq!(entry.id.as_deref(), Some("alpaca:e1"));
    assert_eq!(entry.amount, Some(Money::from_minor(-150, Currency::Usd)));
    // The latest time of its day.
    assert_eq!(entry.at.to_string(), "2026-03-02T23:59:59.999999Z");
    assert_eq!((execution.id.clone(), execution.at.to_string()), (None, "2026-03-04T15:00:00Z".to_owned()));
    // The end of its day.
    assert_eq!(position.at.to_string(), "2026-03-04T00:00:00Z");
    assert_eq!((position.key().as_deref(), statement.as_of), (Some("alpaca:a1/AAPL"), position.at));
    let covers = (statement.covers.0.to_string(), statement.covers.1.to_string());
    assert_eq!(covers, ("2026-03-02T00:00:00Z".to_owned(), "2026-03-05T00:00:00Z".to_owned()));
    assert!(!statement.kinds.contains(&StatementKind::Transfer));
}

#[test]
fn a_fault_names_its_line_and_what_to_do() {
    for (text, expected) in [
        ("", "line 1 of the file: there are no rows below the header"),
        ("kind,date\ndividend,2026-03-02\n", "line 2 of the file: kind must be"),
        ("kind,date\ncash_entry,2026-03-02\ncash_entry,02.03.2026\n", "line 3 of the file: date must be"),
        ("kind,date,amount,currency\ncash_entry,2026-03-02,1.234,USD\n", "amount has more decimal places"),
        ("kind,date,amount\ncash_entry,2026-03-02,1.23\n", "currency: unsupported currency"),
        ("kind,date,id\ncash_entry,2026-03-02,bridge:x\n", "provider's id must be"),
        ("kind,date,account\nposition,2026-03-02,a1\n", "a position needs account and symbol"),
        ("kind,date,status\ncash_entry,2026-03-02,done\n", "status must be"),
        ("kind,date,total\ncash_entry,2026-03-02,1\n", "unknown field `total`"),
        ("date\n2026-03-02\n", "missing field `kind`"),
        (
            "kind,date,account,symbol,quantity\nposition,2026-03-02,a,IBM,1\nposition,2026-03-03,b,IBM,1\n",
            "all positions and balances must have one date",
        ),
    ] {
        assert!(error(text).contains(expected), "{text:?}: {}", error(text));
    }
}
