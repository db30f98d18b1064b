//! `investiq webhooks samples [NAME]`: what providers send, each kind of event once. It sends nothing.

use serde::Serialize;

use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::samples::Sample;
use crate::signing::Source;
use crate::table::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print this one
    name: Option<String>,
    /// List those of this source alone
    #[arg(long, value_enum, conflicts_with = "name")]
    source: Option<Source>,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Line {
    name: &'static str,
    source: &'static str,
    kind: Option<&'static str>,
    what: &'static str,
}

#[derive(Serialize)]
struct Body {
    samples: Vec<Line>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(name) = &arguments.name {
        console.answer(find(name)?.body)?;
        return Ok(Exit::Good);
    }
    let wanted = arguments.source.map(Source::as_str);
    let samples = Sample::ALL.iter().filter(|sample| wanted.is_none_or(|source| sample.source() == source));
    let line = |sample: &Sample| Line {
        name: sample.name,
        source: sample.source(),
        kind: sample.kind(),
        what: sample.what,
    };
    let samples: Vec<Line> = samples.map(line).collect();
    if arguments.form.json {
        document::answer(console, "investiq.webhooks.samples.v1", &Body { samples })?;
    } else {
        let rows: Vec<_> = samples.iter().map(|line| [line.name.to_owned(), line.what.to_owned()]).collect();
        console.answer(&table(["NAME", "WHAT HAPPENED"], &rows))?;
    }
    Ok(Exit::Good)
}

/// The sample of this name.
pub(super) fn find(name: &str) -> Result<&'static Sample, Failure> {
    Sample::named(name)
        .ok_or_else(|| Failure::Usage(format!("{name} is no sample: `investiq webhooks samples` names them")))
}
