use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A cash entry of 2026-03-10 and cents.
fn entry(id: &str, cents: i64) -> StatementLine {
    StatementLine {
        kind: StatementKind::CashEntry,
        id: Some(format!("alpaca:{id}")),
        account: Some("alpaca:a1".parse().unwrap()),
        symbol: None,
        quantity: None,
        amount: Some(Money::from_minor(cents, Currency::Usd)),
        status: Some(StatementStatus::Settled),
        at: at("2026-03-10T12:00:00Z"),
    }
}

fn position(quantity: &str, time: &str) -> StatementLine {
    StatementLine {
        kind: StatementKind::Position,
        id: None,
        symbol: Some("AAPL".parse().unwrap()),
        quantity: Some(quantity.parse().unwrap()),
        amount: None,
        status: None,
        at: at(time),
        ..entry("x", 0)
    }
}

fn statement(lines: Vec<StatementLine>) -> Statement {
    Statement {
        lines,
        kinds: BTreeSet::from([StatementKind::CashEntry, StatementKind::Execution, StatementKind::Position]),
        covers: (at("2026-02-27T00:00:00Z"), at("2026-04-03T00:00:00Z")),
        as_of: at("2026-04-01T00:00:00Z"),
        ..Statement::default()
    }
}

/// March, compared in the middle of April.
fn scope() -> Scope {
    Scope {
        period: (at("2026-03-01T00:00:00Z"), at("2026-04-01T00:00:00Z")),
        settled_before: at("2026-04-14T00:00:00Z"),
    }
}

/// The mismatches as `kind reason`, and how many lines are equal.
fn found(there: Vec<StatementLine>, here: Vec<StatementLine>) -> (u64, Vec<String>) {
    let report = compare(statement(there), here, &scope());
    let text = |mismatch: &Mismatch| format!("{} {}", mismatch.kind, mismatch.reason);
    (report.lines_matched(), report.mismatches.iter().map(text).collect())
}

/// One dropped, one altered and one extra of 3,000, in any order: exactly three.
#[test]
fn each_difference_is_found_once_in_any_order() {
    let books: Vec<StatementLine> =
        (0..3_000).map(|number| entry(&format!("e{number}"), number + 1)).collect();
    let mut there = books.clone();
    there.remove(70);
    there[1_000].amount = Some(Money::from_minor(1, Currency::Usd));
    there.push(entry("extra", 5_000));
    let expected = ["missing_here missing_here", "missing_there missing_there", "different amount"];
    let expected: Vec<String> = expected.map(str::to_owned).into();
    assert_eq!(found(there.clone(), books.clone()), (2_998, expected.clone()));
    there.reverse();
    there.rotate_left(1_234);
    assert_eq!(found(there, books), (2_998, expected));
}

#[test]
fn what_is_matched_is_summed_by_kind_and_currency() {
    let euro = StatementLine { amount: Some(Money::from_minor(700, Currency::Eur)), ..entry("e3", 0) };
    let lines = vec![entry("e1", 100), entry("e2", -25), euro];
    let report = compare(statement(lines.clone()), lines, &scope());
    let sums: Vec<String> = report
        .matched
        .iter()
        .map(|matched| format!("{} {} {}", matched.lines, matched.amount, matched.currency.unwrap()))
        .collect();
    // 1.00 - 0.25; 7.00
    assert_eq!(sums, ["2 0.75 USD", "1 7.00 EUR"]);
}

#[test]
fn entries_with_other_ids_are_matched_by_content_as_often_as_they_occur() {
    let twice = vec![entry("a", 100), entry("b", 100)];
    assert_eq!(found(twice.clone(), vec![entry("c", 100), entry("d", 100)]), (2, vec![]));
    let once = found(twice.clone(), vec![entry("c", 100)]);
    assert_eq!(once, (1, vec!["missing_here missing_here".to_owned()]));
    let mut without_ids = twice;
    without_ids.iter_mut().for_each(|line| line.id = None);
    assert_eq!(found(without_ids, vec![entry("c", 100), entry("d", 100)]), (2, vec![]));
    // A transfer is the one with its id.
    let transfer = |id| StatementLine { kind: StatementKind::Transfer, ..entry(id, 100) };
    assert_eq!(found(vec![transfer("a")], vec![transfer("b")]).1, ["missing_here missing_here"]);
}

#[test]
fn a_line_that_the_file_repeats_is_missing_once() {
    let repeated = vec![entry("a", 100), entry("a", 100)];
    assert_eq!(found(repeated, vec![entry("a", 100)]), (1, vec!["missing_here missing_here".to_owned()]));
}

#[test]
fn what_is_young_or_at_an_edge_of_the_statement_is_in_progress() {
    let moved = |time: &str| StatementLine { at: at(time), ..entry("a", 100) };
    for (time, expected) in [
        ("2026-03-10T12:00:00Z", Some("missing_there")),
        // Outside the period.
        ("2026-02-28T23:59:59Z", None),
        ("2026-04-01T00:00:00Z", None),
    ] {
        let mismatches = compare(statement(vec![]), vec![moved(time)], &scope()).mismatches;
        assert_eq!(mismatches.first().map(|found| found.kind.to_string()).as_deref(), expected, "{time}");
    }
    // The statement ends with March: 31 March may be in the next one. Of it, the books have everything.
    let short = |lines| Statement { covers: scope().period, ..statement(lines) };
    for (there, here, expected) in [
        (None, Some("2026-03-30T23:59:59Z"), MismatchKind::MissingThere),
        (None, Some("2026-03-31T00:00:00Z"), MismatchKind::InProgress),
        (None, Some("2026-03-01T23:59:59Z"), MismatchKind::InProgress),
        (Some("2026-03-31T23:59:59Z"), None, MismatchKind::MissingHere),
    ] {
        let line = |time: Option<&str>| time.map(moved).into_iter().collect::<Vec<_>>();
        let mismatches = compare(short(line(there)), line(here), &scope()).mismatches;
        assert_eq!(
            mismatches.iter().map(|found| found.kind).collect::<Vec<_>>(),
            [expected],
            "{there:?} {here:?}"
        );
    }
    // Younger than the margin.
    let young = Scope { settled_before: at("2026-03-10T12:00:00Z"), ..scope() };
    let kinds = |there: Vec<_>, here| -> Vec<MismatchKind> {
        compare(statement(there), here, &young).mismatches.iter().map(|found| found.kind).collect()
    };
    assert_eq!(kinds(vec![entry("a", 1)], vec![]), [MismatchKind::InProgress]);
    assert_eq!(kinds(vec![entry("a", 1)], vec![entry("a", 2)]), [MismatchKind::InProgress]);
}

#[test]
fn fields_that_both_sides_know_are_compared() {
    let pending = StatementLine { status: Some(StatementStatus::Pending), ..entry("a", 100) };
    assert_eq!(found(vec![entry("a", 100)], vec![pending]).1, ["different status"]);
    let other = StatementLine { account: Some("alpaca:a2".parse().unwrap()), ..entry("a", 101) };
    assert_eq!(found(vec![entry("a", 100)], vec![other]).1, ["different account, amount"]);
    let bare = StatementLine { account: None, amount: None, status: None, ..entry("a", 0) };
    assert_eq!(found(vec![bare], vec![entry("a", 100)]), (1, vec![]));
}

#[test]
fn an_execution_may_differ_by_two_roundings_and_a_bust_is_silent() {
    let execution = |cents, status| StatementLine {
        kind: StatementKind::Execution,
        quantity: Some("2".parse().unwrap()),
        status,
        ..entry("x", cents)
    };
    assert_eq!(found(vec![execution(-100, None)], vec![execution(-102, None)]), (1, vec![]));
    assert_eq!(found(vec![execution(-100, None)], vec![execution(-103, None)]).1, ["different amount"]);
    let busted = execution(0, Some(StatementStatus::Canceled));
    assert_eq!(found(vec![execution(-100, None)], vec![busted.clone()]), (1, vec![]));
    assert_eq!(found(vec![], vec![busted]), (0, vec![]));
}

#[test]
fn a_position_that_changed_after_the_statement_is_in_progress() {
    let there = || vec![position("10", "2026-04-01T00:00:00Z")];
    let before = "2026-03-31T20:00:00Z";
    let after = "2026-04-01T08:00:00Z";
    assert_eq!(found(there(), vec![position("10", after)]), (1, vec![]));
    assert_eq!(found(there(), vec![position("9", before)]).1, ["different quantity"]);
    assert_eq!(found(there(), vec![position("9", after)]).1, ["in_progress quantity"]);
    assert_eq!(found(there(), vec![]).1, ["missing_here missing_here"]);
    assert_eq!(found(vec![], vec![position("9", before)]).1, ["missing_there missing_there"]);
    assert_eq!(found(vec![], vec![position("9", after)]).1, ["in_progress missing_there"]);
    // One that was closed: a statement does not list it any more.
    assert_eq!(found(vec![], vec![position("0", before)]), (0, vec![]));
    assert_eq!(found(there(), vec![position("0", before)]).1, ["different quantity"]);
    assert_eq!(found(there(), vec![position("0", after)]).1, ["in_progress quantity"]);
}

#[test]
fn only_kinds_that_the_statement_lists_are_missing_there() {
    let transfer = StatementLine { kind: StatementKind::Transfer, ..entry("t", 100) };
    assert_eq!(found(vec![], vec![transfer]), (0, vec![]));
}

#[test]
fn what_cannot_be_read_is_a_difference_unless_people_post_it() {
    let unread = |is_by_hand| {
        let unread =
            UnreadLine { line: entry("a", 0), reason: "unsupported currency".to_owned(), is_by_hand };
        compare(Statement { unread: vec![unread], ..statement(vec![]) }, vec![], &scope())
    };
    assert_eq!(unread(false).differences().count(), 1);
    assert_eq!(unread(true).differences().count(), 0);
    assert_eq!(unread(true).count(MismatchKind::NotCompared), 1);
}
