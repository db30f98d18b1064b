//! `investiq webhooks samples [NAME]`: events as providers send them, each kind once. It sends nothing.

use domain::Provider;
use serde::Serialize;

use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::samples::ChannelSample;
use crate::table::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Print this sample
    name: Option<String>,
    /// List only the samples of this provider
    #[arg(long, value_parser = named_values::provider(), conflicts_with = "name")]
    provider: Option<Provider>,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Line {
    name: String,
    provider: &'static str,
    channel: &'static str,
    summary: &'static str,
}

#[derive(Serialize)]
struct Body {
    samples: Vec<Line>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(name) = &arguments.name {
        console.answer(find(name)?.sample.body)?;
        return Ok(Exit::Good);
    }
    let line = |sample: ChannelSample| {
        let channel = sample.channel.channel;
        let provider = channel.provider();
        let is_listed = arguments.provider.is_none_or(|listed| listed == provider);
        is_listed.then(|| Line {
            name: sample.name(),
            provider: provider.as_str(),
            channel: channel.as_str(),
            summary: sample.sample.summary,
        })
    };
    let samples: Vec<Line> = ChannelSample::all().filter_map(line).collect();
    if arguments.form.json {
        document::answer(console, "investiq.webhooks.samples.v1", &Body { samples })?;
    } else {
        let rows: Vec<_> = samples.iter().map(|line| [line.name.clone(), line.summary.to_owned()]).collect();
        console.answer(&table(["NAME", "WHAT HAPPENED"], &rows))?;
    }
    Ok(Exit::Good)
}

pub(super) fn find(name: &str) -> Result<ChannelSample, Failure> {
    ChannelSample::find(name).ok_or_else(|| {
        Failure::Usage(format!("unknown sample {name}: `investiq webhooks samples` lists the samples"))
    })
}
