//! `investiq webhooks samples [NAME]`: a sample of each kind of event that providers send. It sends nothing.

use domain::Provider;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::output::OutputFormat;
use crate::samples::ChannelSample;
use crate::table::table;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq webhooks samples --provider bridge\n  investiq webhooks samples alpaca/trade/fill > event.json"
)]
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
struct Printed {
    name: String,
    channel: &'static str,
    body: Box<RawValue>,
}

#[derive(Serialize)]
struct Body {
    samples: Vec<Line>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    if let Some(name) = &arguments.name {
        let sample = find(name)?;
        let body: Box<RawValue> = serde_json::from_str(sample.sample.body).map_err(std::io::Error::from)?;
        let printed = Printed { name: sample.name(), channel: sample.channel.channel.as_str(), body };
        let text = |_: &Printed| sample.sample.body.to_owned();
        arguments.output.print(console, "investiq.webhooks.sample.v1", &printed, text)?;
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
