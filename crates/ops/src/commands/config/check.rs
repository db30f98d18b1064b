//! `investiq config check PROFILE`: checks the settings of a release before it starts.
//!
//! The settings are loaded by the function that the server calls. The profile is always that of the argument, so that a
//! check of production cannot become another one.

use config::{Config, Errors, Profile};

use crate::console::Console;
use crate::document::Form;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::finding::{Finding, Findings, Severity, Strictness};
use crate::named_values;
use crate::place::{self, Place};
use crate::rules;
use crate::survey::Survey;

/// The vendor's key: without it the bundled sample is served.
const VENDOR_KEY: &str = "polygon_api_key";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The profile
    #[arg(value_parser = named_values::profile())]
    profile: Profile,
    /// Find every secret, say where, and hold it to the rules
    #[arg(long)]
    resolve: bool,
    /// Open the connections that the server will open; implies --resolve
    #[arg(long)]
    connect: bool,
    #[command(flatten)]
    strictness: Strictness,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let findings = match place::load(console.environment(), Some(arguments.profile)) {
        Ok(config) => of_config(arguments, &config, console).await?,
        Err(errors) => of_errors(&errors),
    };
    let machine = rules::machine::findings(console.environment(), arguments.profile);
    let findings = Findings::new(arguments.profile.as_str(), [findings, machine].concat());
    findings.answer(console, arguments.form, arguments.strictness)
}

fn of_errors(errors: &Errors) -> Vec<Finding> {
    errors.iter().map(rules::settings::error).collect()
}

async fn of_config(
    arguments: &Arguments,
    config: &Config,
    console: &mut Console,
) -> Result<Vec<Finding>, Failure> {
    let mut findings = rules::settings::findings(config);
    if !arguments.resolve && !arguments.connect {
        return Ok(findings);
    }
    let steps = if arguments.connect { 2 } else { 1 };
    console.progress(1, steps, "looking for every secret");
    let survey = Survey::of(&Place::of(config, None), console).await?;
    for entry in survey.report.secrets.iter().filter(|entry| entry.version.is_some()) {
        console.say(&entry.to_string());
    }
    findings.extend(rules::of_secrets(&survey, config.profile, console).await);
    findings.extend(sample(config, &survey));
    if arguments.connect {
        console.progress(2, steps, "opening connections");
        findings.extend(rules::connections::findings(config, &survey).await);
    }
    Ok(findings)
}

/// Bundled data in production is most likely a key that was forgotten.
fn sample(config: &Config, survey: &Survey) -> Option<Finding> {
    let has_key = survey.report.get(VENDOR_KEY).is_some_and(|entry| entry.version.is_some());
    let is_sample = !has_key && config.market_data.directory.is_none();
    let message = "is not set: the bundled sample is served";
    (is_sample && config.profile != Profile::Development)
        .then(|| Finding::new(Severity::Warning, "sample", VENDOR_KEY, message))
}
