//! A report as one JSON object, as JSON lines, or as CSV, in pieces.

use serde_json::json;
use strum::{Display, EnumString, VariantArray};

use super::request::ReportRequest;
use super::row::{ReportRow, csv_line};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumString, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum ReportFormat {
    /// One JSON object with all rows.
    Json,
    /// CSV (RFC 4180) with a header.
    Csv,
    /// One JSON object in each line.
    Jsonl,
}

/// The text of a report: head, pages and tail, in this order.
#[derive(Debug)]
pub struct ReportText {
    format: ReportFormat,
    head: String,
    has_rows: bool,
}

impl ReportText {
    /// The text of `request`; a JSON object begins with the name of its schema, if it has one.
    #[must_use]
    pub fn new(format: ReportFormat, request: &ReportRequest, schema: Option<&str>) -> Self {
        let head = match format {
            ReportFormat::Json => {
                let time = |time: Option<jiff::Timestamp>| json!(time.map(|time| time.to_string()));
                let (report, moment) = (request.kind.to_string(), request.filter.moment);
                let schema =
                    schema.map_or_else(String::new, |schema| format!(r#""schema":{},"#, json!(schema)));
                let (as_of, known_at) = (time(moment.as_of), time(moment.known_at));
                format!(r#"{{{schema}"report":"{report}","as_of":{as_of},"known_at":{known_at},"rows":["#)
            }
            ReportFormat::Csv => csv_line(request.kind.columns().iter().copied()),
            ReportFormat::Jsonl => String::new(),
        };
        Self { format, head, has_rows: false }
    }

    /// The text before the first row.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The text of more rows.
    ///
    /// # Errors
    /// Never: a row has nothing that JSON has not.
    pub fn page(&mut self, rows: &[ReportRow]) -> Result<String, serde_json::Error> {
        let mut text = String::new();
        for row in rows {
            match self.format {
                ReportFormat::Csv => text += &row.csv(),
                ReportFormat::Json => {
                    text += if self.has_rows { ",\n" } else { "\n" };
                    text += &serde_json::to_string(row)?;
                }
                ReportFormat::Jsonl => text = text + &serde_json::to_string(row)? + "\n",
            }
            self.has_rows = true;
        }
        Ok(text)
    }

    /// The text after the last row.
    #[must_use]
    pub const fn tail(&self) -> &'static str {
        match self.format {
            ReportFormat::Json => "\n]}\n",
            ReportFormat::Csv | ReportFormat::Jsonl => "",
        }
    }
}
