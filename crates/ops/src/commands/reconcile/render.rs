//! The report of a reconciliation as text, CSV and Markdown.

use domain::StatementLine;
use reconciliation::{Matched, Mismatch, MismatchKind, Reconciliation};

use crate::table::table;

const HEADING: [&str; 8] = ["OUTCOME", "KIND", "ID", "ACCOUNT", "DAY", "THERE", "HERE", "REASON"];

pub(super) fn text(reconciliation: &Reconciliation) -> String {
    let mut text = format!("{}\n", summary(reconciliation));
    text.extend(notes(reconciliation).map(|note| format!("  {note}\n")));
    let rows: Vec<_> = reconciliation.report.mismatches.iter().map(cells).collect();
    if rows.is_empty() { text } else { text + &table(HEADING, &rows) }
}

pub(super) fn csv(reconciliation: &Reconciliation) -> String {
    let heading = HEADING.map(str::to_lowercase);
    let rows = reconciliation.report.mismatches.iter().map(cells);
    let row = |cells: [String; 8]| cells.map(|cell| quoted(&cell)).join(",") + "\n";
    std::iter::once(heading).chain(rows).map(row).collect()
}

pub(super) fn markdown(reconciliation: &Reconciliation) -> String {
    let mut text =
        format!("# Reconciliation of {}\n\n{}\n\n", reconciliation.provider, summary(reconciliation));
    text.extend(notes(reconciliation).map(|note| format!("- {note}\n")));
    let row =
        |cells: [String; 8]| format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
    let rows: String = reconciliation.report.mismatches.iter().map(cells).map(row).collect();
    if rows.is_empty() {
        return text;
    }
    text + "\n" + &row(HEADING.map(str::to_lowercase)) + &row(HEADING.map(|_| "---".to_owned())) + &rows
}

/// `alpaca, 2026-03-01 to 2026-03-31: 912 matched, 1 missing here, …`
fn summary(reconciliation: &Reconciliation) -> String {
    let Reconciliation { provider, from, to, report, .. } = reconciliation;
    let count = |kind: &MismatchKind| format!("{} {}", report.count(*kind), spaced(*kind));
    let counts: Vec<String> = MismatchKind::ALL.iter().map(count).collect();
    format!("{provider}, {from} to {to}: {} matched, {}", report.lines_matched(), counts.join(", "))
}

fn spaced(kind: MismatchKind) -> String {
    kind.to_string().replace('_', " ")
}

/// What is matched, and which lists are missing.
fn notes(reconciliation: &Reconciliation) -> impl Iterator<Item = String> + '_ {
    let matched = |matched: &Matched| {
        let Matched { kind, currency, lines, amount } = matched;
        let sum = currency.map(|currency| format!(", sum {amount} {currency}")).unwrap_or_default();
        format!("matched {kind}: {lines}{sum}")
    };
    let unavailable = reconciliation.report.unavailable.iter().map(|list| format!("not compared: {list}"));
    reconciliation.report.matched.iter().map(matched).chain(unavailable)
}

fn cells(mismatch: &Mismatch) -> [String; 8] {
    let Mismatch { kind, there, here, reason } = mismatch;
    let line = mismatch.line();
    let of_line = |cell: fn(&StatementLine) -> Option<String>| line.and_then(cell).unwrap_or_default();
    [
        spaced(*kind),
        of_line(|line| Some(line.kind.to_string())),
        of_line(StatementLine::key),
        of_line(|line| line.account.as_ref().map(ToString::to_string)),
        of_line(|line| Some(line.at.strftime("%Y-%m-%d").to_string())),
        there.as_ref().map(values).unwrap_or_default(),
        here.as_ref().map(values).unwrap_or_default(),
        reason.clone(),
    ]
}

/// `-2 AAPL 360.10 USD settled`
fn values(line: &StatementLine) -> String {
    let StatementLine { symbol, quantity, amount, status, .. } = line;
    let parts = [
        quantity.map(|quantity| quantity.to_string()),
        symbol.map(|symbol| symbol.to_string()),
        amount.map(|amount| amount.to_string()),
        status.map(|status| status.to_string()),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// A cell of RFC 4180, which a spreadsheet does not take for a formula.
fn quoted(cell: &str) -> String {
    let guard = if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{guard}{}\"", cell.replace('"', "\"\"")),
        false => format!("{guard}{cell}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_neither_a_formula_nor_two_cells() {
        for (cell, expected) in [
            ("alpaca:e1", "alpaca:e1"),
            ("amount, status", "\"amount, status\""),
            ("=HYPERLINK(\"x\")", "\"'=HYPERLINK(\"\"x\"\")\""),
            ("-2 AAPL", "'-2 AAPL"),
        ] {
            assert_eq!(quoted(cell), expected);
        }
    }
}
