//! Results on standard output: text for people, or one JSON object for scripts.

use config::check::Report;
use serde::Serialize;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct OutputFormat {
    /// Print one JSON object; its first member names its schema and version
    #[arg(long)]
    json: bool,
}

/// How a check reports its findings.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct ReportFormat {
    /// Fail on warnings, too
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

impl OutputFormat {
    pub(crate) const JSON: Self = Self { json: true };

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints `body` as JSON or what `text` makes of it. A schema is named like `investiq.secrets.report.v1`; its number
    /// rises when a member is removed or changes its meaning, and stays when one is added.
    pub(crate) fn print<T: Serialize>(
        self,
        console: &mut Console,
        schema: &str,
        body: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        if !self.json {
            return console.print(&text(body));
        }
        let json = serde_json::to_string_pretty(&Document { schema, body });
        console.print(&format!("{}\n", json.map_err(|error| Failure::Output(error.into()))?))
    }
}

impl ReportFormat {
    pub(crate) fn print(self, report: &Report, console: &mut Console) -> Result<Exit, Failure> {
        self.output.print(console, "investiq.findings.v1", report, Report::to_string)?;
        Ok(if report.passes(self.strict) { Exit::Success } else { Exit::Findings })
    }
}
