//! A row of a report: as a JSON object, as a line of CSV, and as texts.

use std::fmt::Display;

use domain::{Currency, Money, Quantity};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A row with a cell for each column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportRow {
    columns: &'static [&'static str],
    cells: Vec<Cell>,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A text, a name or a time.
    Text(String),
    /// A decimal number.
    Number(String),
    /// Yes or no.
    Flag(bool),
    /// Unknown, or not applicable.
    Empty,
}

impl Cell {
    pub(super) fn text(value: impl Display) -> Self {
        Self::Text(value.to_string())
    }

    /// A text, if there is one.
    pub(super) fn optional(value: Option<impl Display>) -> Self {
        value.map_or(Self::Empty, Self::text)
    }

    /// In whole units of the currency.
    pub(super) fn money(money: Option<Money>) -> Self {
        money.map_or(Self::Empty, |money| Self::Number(money.to_decimal().to_string()))
    }

    pub(super) fn currency(money: Option<Money>) -> Self {
        Self::optional(money.map(|money| money.currency().as_str()))
    }

    pub(super) fn quantity(quantity: Quantity) -> Self {
        Self::Number(quantity.to_string())
    }

    /// A sum in whole units of its currency.
    pub(super) fn total(minor: i128, currency: Currency) -> Result<Self, crate::error::Error> {
        let total = domain::Total::from_minor(minor, currency).to_decimal();
        Ok(Self::Number(total.map_err(ledger::LedgerError::from)?.to_string()))
    }

    /// As shown to people.
    #[must_use]
    pub fn show(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) => text,
            Self::Flag(true) => "true",
            Self::Flag(false) => "false",
            Self::Empty => "",
        }
    }

    /// As a field of CSV (RFC 4180). A text that a spreadsheet would compute begins with an apostrophe.
    fn field(&self) -> String {
        let is_formula = matches!(self, Self::Text(text) if text.starts_with(FORMULA));
        let text = format!("{}{}", if is_formula { "'" } else { "" }, self.show());
        if text.contains(['"', ',', '\n', '\r']) {
            return format!("\"{}\"", text.replace('"', "\"\""));
        }
        text
    }
}

// Numbers as text, because many clients would read a JSON number as a float.
impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) | Self::Number(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Empty => serializer.serialize_none(),
        }
    }
}

impl Serialize for ReportRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.cells.len()))?;
        for (column, cell) in self.columns.iter().zip(&self.cells) {
            map.serialize_entry(column, cell)?;
        }
        map.end()
    }
}

impl ReportRow {
    pub(super) fn new(columns: &'static [&'static str], cells: Vec<Cell>) -> Self {
        Self { columns, cells }
    }

    /// The cells, one for each column.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// As a line of CSV.
    #[must_use]
    pub fn csv(&self) -> String {
        csv_line(self.cells.iter().map(Cell::field))
    }
}

/// A line of CSV of fields that need no quotes.
pub(super) fn csv_line(fields: impl IntoIterator<Item = impl Into<String>>) -> String {
    fields.into_iter().map(Into::into).collect::<Vec<String>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_and_formulas_are_not_computed() {
        for (cell, expected) in [
            (Cell::Text("user/alpaca:a1/fiat_exposure".to_owned()), "user/alpaca:a1/fiat_exposure"),
            (Cell::Number("-1.50".to_owned()), "-1.50"),
            (Cell::Text("=1+1".to_owned()), "'=1+1"),
            (Cell::Text("-1".to_owned()), "'-1"),
            (Cell::Text("@SUM(A1)".to_owned()), "'@SUM(A1)"),
            (Cell::Text("a, \"b\"\nc".to_owned()), "\"a, \"\"b\"\"\nc\""),
            (Cell::Flag(false), "false"),
            (Cell::Empty, ""),
        ] {
            assert_eq!(cell.field(), expected);
        }
        let row = ReportRow::new(&["a", "b"], vec![Cell::Text("x".to_owned()), Cell::Empty]);
        assert_eq!(row.csv(), "x,\r\n");
        assert_eq!(serde_json::to_string(&row).unwrap(), r#"{"a":"x","b":null}"#);
    }
}
