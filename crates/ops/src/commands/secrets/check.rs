//! `investiq secrets check`: looks up every secret and checks it under the rules of a profile.

use config::check::{Report, machine_findings};

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::ReportFormat;
use crate::secret_lookup::LookupArguments;
use crate::secret_scan::SecretScan;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq secrets check --profile production --directory secrets\n  investiq secrets check --strict --json"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    lookup: LookupArguments,
    #[command(flatten)]
    format: ReportFormat,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let lookup = arguments.lookup.resolve(console)?;
    let profile = lookup.config.profile;
    let scan = SecretScan::run(&lookup).await?;
    let mut findings = scan.faults.clone();
    findings.extend(crate::rules::advice(&scan, profile, console).await);
    findings.extend(machine_findings(console.environment(), profile));
    arguments.format.print(&Report::new(profile, findings), console)
}
