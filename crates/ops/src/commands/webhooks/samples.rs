//! `investiq webhooks samples [NAME]`: a sample of each kind of event that providers send. It sends nothing.

use domain::Provider;
use serde::Serialize;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::output::OutputFormat;
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
    output: OutputFormat,
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
        console.print(find(name)?.sample.body)?;
        return Ok(Exit::Success);
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
    let body = Body { samples: ChannelSample::all().filter_map(line).collect() };
    arguments.output.print(console, "investiq.webhooks.samples.v1", &body, |Body { samples }| {
        let rows: Vec<_> = samples.iter().map(|line| [line.name.clone(), line.summary.to_owned()]).collect();
        table(["NAME", "WHAT HAPPENED"], &rows)
    })?;
    Ok(Exit::Success)
}

pub(super) fn find(name: &str) -> Result<ChannelSample, Failure> {
    ChannelSample::find(name).ok_or_else(|| {
        Failure::Usage(format!("unknown sample {name}; `investiq webhooks samples` lists the samples"))
    })
}
