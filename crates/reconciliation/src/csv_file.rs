//! A statement as a CSV file, with the columns that docs/ledger.md describes.

use std::collections::BTreeSet;

use domain::{Currency, ExternalId, Money, Provider, StatementKind, StatementLine};
use jiff::{SignedDuration, Timestamp, civil};
use serde::Deserialize;

use crate::error::Error;
use crate::matching::Statement;
use crate::pages::ROWS_MAX;

/// Largest file.
pub const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

const DAY: SignedDuration = SignedDuration::from_hours(24);
const INSTANT: SignedDuration = SignedDuration::from_micros(1);

/// A row of the file. Empty cells are unknown.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cells {
    kind: String,
    date: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    symbol: String,
    #[serde(default)]
    quantity: String,
    #[serde(default)]
    amount: String,
    #[serde(default)]
    currency: String,
    #[serde(default)]
    status: String,
}

/// Reads a statement of `provider`. It covers the days of its rows, and lists each kind that it has completely.
///
/// # Errors
/// [`Error::File`] with the line and what is wrong, [`Error::TooLong`].
pub fn parse(bytes: &[u8], provider: Provider) -> Result<Statement, Error> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let mut statement = Statement::default();
    let mut covers: Option<(Timestamp, Timestamp)> = None;
    for cells in reader.deserialize() {
        let line_of = |position: Option<&csv::Position>| position.map_or(1, csv::Position::line);
        let cells: Cells =
            cells.map_err(|error: csv::Error| fault(line_of(error.position()), error.to_string()))?;
        if statement.lines.len() == ROWS_MAX {
            return Err(Error::TooLong { lines_max: ROWS_MAX });
        }
        let number = statement.lines.len() as u64 + 2;
        let (line, day) = cells.line(provider).map_err(|why| fault(number, why))?;
        let end = day.saturating_add(DAY).unwrap_or(Timestamp::MAX);
        covers = Some(covers.map_or((day, end), |(first, last)| (first.min(day), last.max(end))));
        if line.kind.is_state() {
            statement.as_of = statement.as_of.max(line.at);
        }
        statement.kinds.insert(line.kind);
        statement.lines.push(line);
    }
    statement.covers = covers.ok_or_else(|| fault(1, "there are no rows below the header".to_owned()))?;
    let as_of: BTreeSet<Timestamp> =
        statement.lines.iter().filter(|line| line.kind.is_state()).map(|line| line.at).collect();
    if as_of.len() > 1 {
        return Err(fault(1, "all positions and balances must have one date".to_owned()));
    }
    Ok(statement)
}

const fn fault(line: u64, why: String) -> Error {
    Error::File { line, why }
}

impl Cells {
    /// The line, and the first instant of its day.
    fn line(&self, provider: Provider) -> Result<(StatementLine, Timestamp), String> {
        let kind: StatementKind = self.kind.parse().map_err(|_| {
            "kind must be transfer, cash_entry, execution, position or cash_balance".to_owned()
        })?;
        let (day, time) = day(&self.date).ok_or("date must be a day such as 2026-03-02, or a time")?;
        let end = day.saturating_add(DAY).unwrap_or(Timestamp::MAX);
        let at = match time {
            Some(time) => time,
            None if kind.is_state() => end,
            // The latest that it can be.
            None => end.saturating_sub(INSTANT).unwrap_or(end),
        };
        let id = |text: &str| external_id(provider, text);
        let line = StatementLine {
            kind,
            id: optional(&self.id, |text| id(text).map(|id| id.to_string()))?,
            account: optional(&self.account, id)?,
            symbol: optional(&self.symbol, |text| text.parse().map_err(|_| format!("no symbol: {text}")))?,
            quantity: optional(&self.quantity, |text| {
                text.parse().map_err(|error| format!("quantity: {error}"))
            })?,
            amount: self.amount()?,
            status: optional(&self.status, |text| {
                text.parse()
                    .map_err(|_| "status must be pending, settled, failed, returned or canceled".to_owned())
            })?,
            at,
        };
        match (kind.is_state(), line.key()) {
            (true, None) => Err(format!("a {kind} needs account and {}", state_field(kind))),
            _ => Ok((line, day)),
        }
    }

    fn amount(&self) -> Result<Option<Money>, String> {
        optional(&self.amount, |text| {
            let currency: Currency = self.currency.parse().map_err(|error| format!("currency: {error}"))?;
            Money::parse(text, currency).map_err(|error| format!("amount: {error}"))
        })
    }
}

fn state_field(kind: StatementKind) -> &'static str {
    if kind == StatementKind::Position { "symbol" } else { "amount" }
}

fn optional<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text.is_empty() { Ok(None) } else { parse(text).map(Some) }
}

/// An id with or without its provider.
fn external_id(provider: Provider, text: &str) -> Result<ExternalId, String> {
    let prefix = format!("{provider}:");
    ExternalId::new(provider, text.strip_prefix(&prefix).unwrap_or(text)).map_err(|error| error.to_string())
}

/// The first instant of the day of a date or a time, and the time.
fn day(text: &str) -> Option<(Timestamp, Option<Timestamp>)> {
    if let Ok(date) = text.parse::<civil::Date>()
        && text.len() == "2026-03-02".len()
    {
        return Some((date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp(), None));
    }
    let time: Timestamp = text.parse().ok()?;
    Some((ledger::Day::from_timestamp(time).ok()?.start, Some(time)))
}

#[cfg(test)]
mod tests;
