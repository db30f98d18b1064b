//! `investiq secrets check`: every rule for secrets that can be held to what is found, under a profile's strictness.

use crate::console::Console;
use crate::document::Form;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::finding::{Findings, Strictness};
use crate::place::PlaceArguments;
use crate::rules;
use crate::survey::Survey;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    strictness: Strictness,
    #[command(flatten)]
    form: Form,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let place = arguments.place.resolve(console)?;
    let survey = Survey::of(&place, console).await?;
    let mut findings = rules::of_secrets(&survey, place.profile, console).await;
    findings.extend(rules::machine::findings(console.environment(), place.profile));
    let findings = Findings::new(place.profile.as_str(), findings);
    findings.answer(console, arguments.form, arguments.strictness)
}
