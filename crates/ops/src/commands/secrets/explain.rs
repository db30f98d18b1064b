//! `investiq secrets explain NAME`: where a secret comes from, its version and age, and what it shadows.

use std::time::Duration;

use config::secret_sources;
use secrets::rotation::OverlapPolicy;
use secrets::{Class, SecretSpec};
use serde::Serialize;

use super::find_spec;
use super::report::{self, Line};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::secret_lookup::{LookupArguments, SecretLookup};
use crate::secret_scan::SecretScan;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq secrets explain polygon_api_key\n  investiq secrets explain POLYGON_API_KEY\n  investiq secrets explain prod/rail/polygon-api-key"
)]
pub(crate) struct Arguments {
    /// Name of the secret
    name: String,
    #[command(flatten)]
    lookup: LookupArguments,
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Explanation<'a> {
    profile: &'a str,
    looked_in: Vec<String>,
    secret: Line,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = find_spec(&arguments.name)?;
    let lookup = arguments.lookup.resolve(console)?;
    let scan = SecretScan::run(&lookup).await?;
    let mut lines = report::lines(&scan, console.now()).into_iter();
    let secret = lines.find(|line| line.name == spec.name.as_str());
    let secret = secret.ok_or(Failure::UnknownSecret)?;
    let SecretLookup { environment, config } = &lookup;
    let (profile, looked_in) = (config.profile.as_str(), secret_sources(&spec, config, environment));
    let explanation = Explanation { profile, looked_in, secret };
    arguments.output.print(console, "investiq.secrets.explain.v1", &explanation, |explanation| {
        text(explanation, &spec)
    })?;
    Ok(Exit::Success)
}

fn text(Explanation { looked_in, secret, .. }: &Explanation<'_>, spec: &SecretSpec) -> String {
    let mut text = format!("{}: {}\n", secret.name, secret.purpose);
    let mut push = |name: &str, value: &str| text.push_str(&format!("  {name:<10} {value}\n"));
    match (&secret.source, &secret.grade) {
        (Some(source), Some(grade)) => push("found in", &format!("{source} ({grade})")),
        _ => push("found in", "no source that may be used"),
    }
    if let Some(version) = &secret.version {
        push("version", version);
    }
    match (secret.age_days, secret.due) {
        (Some(age), Some(due)) => push("age", &format!("{age} days; due on {due}")),
        _ => push("age", "unknown"),
    }
    for shadow in &secret.shadows {
        let relation = if shadow.differs { "another value" } else { "the same value" };
        push("shadows", &format!("{relation} in {}", shadow.source));
    }
    if let Some(error) = &secret.error {
        push("error", error);
    }
    push("overlap", &overlap(spec));
    push("looked in", &looked_in.join(", then "));
    text
}

fn overlap(spec: &SecretSpec) -> String {
    match spec.overlap.as_secs() {
        _ if spec.class == Class::AccessList => {
            let hours = OverlapPolicy::new(spec, Duration::ZERO).overlap.as_secs() / (60 * 60);
            format!("an edited list replaces the previous one immediately; a rotated one after {hours} hours")
        }
        0 => "none: the previous value is rejected immediately".to_owned(),
        _ if spec.overlap == Duration::MAX => "the previous value is kept until it is retired".to_owned(),
        seconds => format!(
            "{} hours after a rotation in AWS; an edited value is rejected immediately",
            seconds / (60 * 60)
        ),
    }
}
