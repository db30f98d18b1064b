//! `investiq data check DIRECTORY`: reads every CSV file of a directory with the function that the server reads it with, and
//! says what it found. It changes none.

use std::path::PathBuf;
use std::sync::Arc;

use domain::{Date, PriceBasis, Symbol};
use market_data::csv_directory::{self, FileReport, FileSummary};
use market_data::{Mapping, RefusedRow};
use serde::Serialize;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::table::table;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq data check prices\n  investiq data check prices --json")]
pub(crate) struct Arguments {
    /// Directory with one file SYMBOL.csv for each symbol
    directory: PathBuf,
    /// Fail on rows that are left out, too
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Report<'a> {
    usable: usize,
    unusable: usize,
    files: Vec<File<'a>>,
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    symbol: Option<Symbol>,
    usable: bool,
    #[serde(flatten)]
    outcome: Outcome<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome<'a> {
    Usable {
        bars: usize,
        first_date: Date,
        as_of: Date,
        price_basis: PriceBasis,
        refused_total: usize,
        refused: &'a [RefusedRow],
        notes: &'a [std::borrow::Cow<'static, str>],
        mapping: &'a Mapping,
    },
    Unusable {
        reason: &'static str,
        detail: String,
    },
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let directory = &arguments.directory;
    let reports = csv_directory::check(directory, console.now().as_millisecond())
        .map_err(|error| Failure::Usage(telemetry::with_causes(&error)))?;
    if reports.is_empty() {
        return Err(Failure::Precondition(format!("{} has no file SYMBOL.csv", directory.display())));
    }
    let report = Report::new(&reports);
    arguments.output.print(console, "investiq.data.check.v1", &report, Report::text)?;
    let has_refused = report.files.iter().any(|file| file.refused_total() > 0);
    let passes = report.unusable == 0 && !(arguments.strict && has_refused);
    Ok(if passes { Exit::Success } else { Exit::Findings })
}

impl<'a> Report<'a> {
    fn new(reports: &'a [Arc<FileReport>]) -> Self {
        let files: Vec<File<'_>> = reports.iter().map(|report| File::new(report)).collect();
        let usable = files.iter().filter(|file| file.usable).count();
        Self { usable, unusable: files.len() - usable, files }
    }

    fn text(&self) -> String {
        let rows: Vec<_> = self.files.iter().filter_map(File::row).collect();
        let heading = ["file", "bars", "from", "to", "adjusted", "left out", "dates", "rows", "columns"];
        let table = if rows.is_empty() { String::new() } else { format!("{}\n", table(heading, &rows)) };
        let remarks: String = self.files.iter().flat_map(File::remarks).collect();
        let Self { usable, unusable, .. } = self;
        format!("{table}{remarks}{usable} usable, {unusable} unusable\n")
    }
}

impl<'a> File<'a> {
    fn new(report: &'a FileReport) -> Self {
        let FileReport { file, symbol, outcome } = report;
        let outcome = match outcome {
            Ok(FileSummary { bars, first_date, as_of, price_basis, quality, mapping }) => Outcome::Usable {
                bars: *bars,
                first_date: *first_date,
                as_of: *as_of,
                price_basis: *price_basis,
                refused_total: quality.refused_total,
                refused: &quality.refused,
                notes: &quality.notes,
                mapping,
            },
            Err(fault) => Outcome::Unusable { reason: fault.code(), detail: fault.to_string() },
        };
        Self { file, symbol: *symbol, usable: matches!(outcome, Outcome::Usable { .. }), outcome }
    }

    fn refused_total(&self) -> usize {
        match self.outcome {
            Outcome::Usable { refused_total, .. } => refused_total,
            Outcome::Unusable { .. } => 0,
        }
    }

    fn row(&self) -> Option<[String; 9]> {
        let Outcome::Usable { bars, first_date, as_of, price_basis, refused_total, mapping, .. } =
            &self.outcome
        else {
            return None;
        };
        let columns = mapping.columns.iter().map(|(field, column)| format!("{field}={column}"));
        let source = mapping.source.map_or_else(String::new, |source| format!("{source}: "));
        Some([
            format!("{:?}", self.file).trim_matches('"').to_owned(),
            bars.to_string(),
            first_date.to_string(),
            as_of.to_string(),
            price_basis.as_str().to_owned(),
            refused_total.to_string(),
            mapping.dates.to_owned(),
            <&str>::from(mapping.rows).to_owned(),
            format!("{source}{}", columns.collect::<Vec<_>>().join(" ")),
        ])
    }

    fn remarks(&self) -> Vec<String> {
        let file = self.file;
        match &self.outcome {
            Outcome::Usable { notes, .. } => notes.iter().map(|note| format!("{file:?}: {note}\n")).collect(),
            Outcome::Unusable { reason, detail } => {
                vec![format!("{file:?} cannot be used ({reason}): {detail}\n")]
            }
        }
    }
}
