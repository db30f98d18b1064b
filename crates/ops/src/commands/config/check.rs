//! `investiq config check PROFILE`: checks the settings of a release before it starts.
//!
//! The profile is always the argument's, so that no variable turns a check of production into another one.

use config::check::{self, Finding, Report, Severity};
use config::start::{self, Connect};
use config::{Config, Environment, PROFILE_VARIABLE, Profile};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::output::ReportFormat;
use crate::rules::connections::{self, VENDOR_KEY};
use crate::secret_scan::SecretScan;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq config check development\n  investiq config check production --resolve\n  investiq config check production --resolve --connect --strict"
)]
pub(crate) struct Arguments {
    /// Profile whose rules apply
    #[arg(value_parser = named_values::profile())]
    profile: Profile,
    /// Look up every secret, print its source and check it
    #[arg(long)]
    resolve: bool,
    /// Open the connections that the server needs; implies --resolve
    #[arg(long)]
    connect: bool,
    #[command(flatten)]
    format: ReportFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let environment = console.environment().clone().with(PROFILE_VARIABLE, arguments.profile.as_str());
    if let Some(message) = console.read_dotenv(environment)? {
        console.eprint(&message);
    }
    let environment = console.environment().clone();
    let findings = match arguments.resolve || arguments.connect {
        true => resolve(arguments, &environment, console).await,
        false => check::findings(&environment),
    };
    arguments.format.print(&Report::new(arguments.profile, findings), console)
}

/// What prevents the server's start is found by the function that the server starts with; all else is a warning.
async fn resolve(arguments: &Arguments, environment: &Environment, console: &mut Console) -> Vec<Finding> {
    let steps = if arguments.connect { 2 } else { 1 };
    console.progress(1, steps, "looking up every secret");
    let connect = if arguments.connect { Connect::ToServers } else { Connect::ToFiles };
    let mut checked = start::check(environment, connect).await;
    let mut advice = check::advice(environment);
    let scan = checked.secrets.take().map(SecretScan::from);
    if let Some(scan) = &scan {
        for entry in scan.report.secrets.iter().filter(|entry| entry.version.is_some()) {
            console.eprint(&entry.to_string());
        }
        advice.extend(crate::rules::advice(scan, checked.config.profile, console).await);
        advice.extend(sample_data(&checked.config, scan));
        advice.extend(event_streams(&checked.config, scan));
    }
    let mut findings = checked.findings(advice);
    if let Some(scan) = scan.filter(|_| arguments.connect) {
        console.progress(2, steps, "opening connections");
        console.eprint(&format!("proxy of requests to other hosts: {}", checked.config.proxy));
        findings.extend(connections::findings(&checked.config, &scan).await);
    }
    findings
}

/// Without their key, the streams are never connected.
fn event_streams(config: &Config, scan: &SecretScan) -> Option<Finding> {
    let name = ["alpaca_api_key", "alpaca_api_secret"].into_iter().find(|name| !scan.has_value(name))?;
    let message = "is not set: ALPACA_EVENTS_ENABLED is true, and no event stream can be read";
    config.alpaca_events.enabled.then(|| Finding::new(Severity::Warning, "streams", name, message))
}

/// Outside development, bundled data most likely means that the vendor's key was forgotten.
fn sample_data(config: &Config, scan: &SecretScan) -> Option<Finding> {
    let is_sample = !scan.has_value(VENDOR_KEY) && config.market_data.directory.is_none();
    let message = "is not set: the bundled sample data is served";
    (is_sample && config.profile != Profile::Development)
        .then(|| Finding::new(Severity::Warning, "sample", VENDOR_KEY, message))
}
