//! `investiq config check PROFILE`: checks the settings of a release before it starts.
//!
//! The profile is always the argument's, so that no variable turns a check of production into another one.

use config::check::{self, Finding, Report, Severity};
use config::{Config, Environment, PROFILE_VARIABLE, Profile};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::named_values;
use crate::output::ReportFormat;
use crate::rules::connections::{self, VENDOR_KEY};
use crate::secret_lookup::SecretLookup;
use crate::secret_scan::SecretScan;

#[derive(Debug, clap::Args)]
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
    let mut findings = check::findings(&environment);
    if arguments.resolve || arguments.connect {
        findings.extend(resolve(arguments, &environment, console).await?);
    }
    arguments.format.print(&Report::new(arguments.profile, findings), console)
}

async fn resolve(
    arguments: &Arguments,
    environment: &Environment,
    console: &mut Console,
) -> Result<Vec<Finding>, Failure> {
    // Invalid settings are findings already.
    let Ok(config) = config::load(environment) else { return Ok(Vec::new()) };
    let steps = if arguments.connect { 2 } else { 1 };
    console.progress(1, steps, "looking up every secret");
    let scan = SecretScan::run(&SecretLookup::from_config(&config), console).await?;
    for entry in scan.report.secrets.iter().filter(|entry| entry.version.is_some()) {
        console.eprint(&entry.to_string());
    }
    let mut findings = crate::rules::findings(&scan, config.profile, console).await;
    findings.extend(sample_data(&config, &scan));
    if arguments.connect {
        console.progress(2, steps, "opening connections");
        findings.extend(connections::findings(&config, &scan).await);
    }
    Ok(findings)
}

/// Outside development, bundled data most likely means that the vendor's key was forgotten.
fn sample_data(config: &Config, scan: &SecretScan) -> Option<Finding> {
    let is_sample = !scan.has_value(VENDOR_KEY) && config.market_data.directory.is_none();
    let message = "is not set: the bundled sample data is served";
    (is_sample && config.profile != Profile::Development)
        .then(|| Finding::new(Severity::Warning, "sample", VENDOR_KEY, message))
}
