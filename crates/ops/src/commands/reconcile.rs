//! `investiq reconcile`: compares the statement of a provider, from its API or a file, with the books. It changes nothing.

mod render;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use domain::{Date, Provider};
use reconciliation::{Api, Error, FILE_BYTES_MAX, Period, Reconciliation, Statement};
use telemetry::with_causes;

use crate::console::Console;
use crate::database::Database;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::output::OutputFormat;

/// Days that are reconciled without `--from`.
const DAYS: u32 = 7;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq reconcile alpaca\n  investiq reconcile bridge --from 2026-03-01 --to 2026-03-31 --format csv > march.csv\n  investiq reconcile circle --file statement.csv"
)]
pub(crate) struct Arguments {
    /// The provider
    #[arg(value_name = "PROVIDER", value_parser = named_values::provider())]
    provider: Provider,
    /// First day in UTC [default: the first day of the file, else six days before the last]
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// Last day in UTC [default: the last day of the file, else today]
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Read the statement from this CSV file, with the columns of docs/ledger.md; `-` is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Form of the report
    #[arg(long, value_name = "FORMAT", default_value = "table", value_parser = formats())]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Table,
    Json,
    Csv,
    Markdown,
}

fn formats() -> impl clap::builder::TypedValueParser<Value = Format> {
    PossibleValuesParser::new(["table", "json", "csv", "markdown"]).map(|name| match name.as_str() {
        "json" => Format::Json,
        "csv" => Format::Csv,
        "markdown" => Format::Markdown,
        _ => Format::Table,
    })
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let Arguments { provider, file, format, .. } = arguments;
    let statement = file.as_deref().map(|path| read_file(path, *provider)).transpose()?;
    let now = console.now();
    let days = statement.as_ref().map_or_else(|| Period::last(DAYS, now), Period::of);
    let period = arguments.period(days)?;
    let database = Database::open(console).await?;
    let reconciliation = match statement {
        Some(statement) => {
            reconciliation::reconcile_statement(&database.store, *provider, statement, period, now).await
        }
        None => {
            let api = Api::new(*provider, &database.config, &database.credentials)?;
            let api = api.ok_or_else(|| no_key(*provider))?;
            reconciliation::reconcile(&database.store, &api, period, now).await
        }
    }?;
    print(&reconciliation, *format, console)?;
    if reconciliation.report.differences().next().is_some() {
        return Ok(Exit::Findings);
    }
    match reconciliation::missing_lists(&database.store, &reconciliation).await?.as_slice() {
        [] => Ok(Exit::Success),
        lists => Err(Failure::Incomplete(format!(
            "not compared, because the list was not read: {}: give the API key access to it, or resolve the review of the \
             daily run if you do not need it",
            lists.join("; ")
        ))),
    }
}

impl Arguments {
    fn period(&self, days: Option<Period>) -> Result<Period, Failure> {
        let to = self.to.or(days.map(|days| days.to));
        let default_from = match (&self.file, to) {
            (None, Some(to)) => Some(to.minus_days(DAYS - 1)),
            _ => days.map(|days| days.from),
        };
        match (self.from.or(default_from), to) {
            (Some(from), Some(to)) if from <= to => Ok(Period { from, to }),
            _ => Err(Failure::Usage("--from must not be after --to".to_owned())),
        }
    }
}

fn no_key(provider: Provider) -> Failure {
    let names = reconciliation::secret_names(provider);
    Failure::Precondition(match names {
        [] => format!("statements of {provider} cannot be read from its API: give one with --file"),
        _ => format!(
            "no API key of {provider}: set {} with `investiq secrets set`, or give a statement with --file",
            names.join(" and ")
        ),
    })
}

fn read_file(path: &Path, provider: Provider) -> Result<Statement, Failure> {
    let mut bytes = Vec::new();
    let mut read = |file: &mut dyn std::io::Read| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
    let outcome = match path.to_str() {
        Some("-") => read(&mut std::io::stdin()),
        _ => File::open(path).and_then(|mut file| read(&mut file)),
    };
    outcome.map_err(Failure::file("read", path))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Failure::Precondition(format!(
            "{} is larger than {FILE_BYTES_MAX} bytes",
            path.display()
        )));
    }
    reconciliation::parse_csv(&bytes, provider)
        .map_err(|error| Failure::Precondition(format!("{}: {}", path.display(), with_causes(&error))))
}

fn print(reconciliation: &Reconciliation, format: Format, console: &mut Console) -> Result<(), Failure> {
    match format {
        Format::Json => {
            OutputFormat::JSON.print(console, "investiq.reconciliation.v1", reconciliation, |_| String::new())
        }
        Format::Table => console.print(&render::text(reconciliation)),
        Format::Csv => console.print(&render::csv(reconciliation)),
        Format::Markdown => console.print(&render::markdown(reconciliation)),
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => error.into(),
            Error::BaseUrl(_) | Error::Client(_) | Error::File { .. } | Error::TooLong { .. } => {
                Self::Precondition(with_causes(&error))
            }
            _ => Self::Incomplete(with_causes(&error)),
        }
    }
}
