//! `investiq secrets explain NAME`: where a secret comes from, which version, how old it is and what it hides.

use std::time::Duration;

use secrets::rotation::OverlapPolicy;
use secrets::{Class, SecretSpec};
use serde::Serialize;

use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place::{Place, PlaceArguments};
use crate::survey::Survey;

use super::declared;
use super::report::{self, Line};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The secret
    name: String,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Body<'a> {
    profile: &'a str,
    looked_in: Vec<String>,
    secret: &'a Line,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let spec = declared(&arguments.name)?;
    let place = arguments.place.resolve(console)?;
    let survey = Survey::of(&place, console).await?;
    let lines = report::lines(&survey, console.now());
    let found = lines.into_iter().find(|line| line.name == spec.name.as_str());
    let line = found.ok_or_else(|| Failure::Undeclared(arguments.name.clone()))?;
    if arguments.form.json {
        let body = Body {
            profile: place.profile.as_str(),
            looked_in: looked_in(&spec, &place, console),
            secret: &line,
        };
        document::answer(console, "investiq.secrets.explain.v1", &body)?;
    } else {
        console.answer(&text(&line, &spec, &looked_in(&spec, &place, console)))?;
    }
    Ok(Exit::Good)
}

/// Every place that is asked, in order.
fn looked_in(spec: &SecretSpec, place: &Place, console: &Console) -> Vec<String> {
    let variables = spec.variables().map(|variable| format!("{variable} or {variable}_FILE"));
    let file = place.directory.join(spec.name.as_str()).display().to_string();
    let environment = console.environment();
    let systemd =
        environment.get("CREDENTIALS_DIRECTORY").map(|directory| format!("{directory}/{}", spec.name));
    let aws = environment.get("SECRET_PREFIX").map(|prefix| format!("AWS {}", spec.name.aws_id(prefix)));
    variables.chain([file]).chain(systemd).chain(aws).collect()
}

fn text(line: &Line, spec: &SecretSpec, looked_in: &[String]) -> String {
    let mut text = format!("{}: {}\n", line.name, line.purpose);
    let mut say = |what: &str, how: &str| text.push_str(&format!("  {what:<10} {how}\n"));
    match (&line.source, &line.grade) {
        (Some(source), Some(grade)) => say("found in", &format!("{source} ({grade})")),
        _ => say("found in", "no place that may be used"),
    }
    if let Some(version) = &line.version {
        say("version", version);
    }
    match (line.age_days, line.due) {
        (Some(age), Some(due)) => say("age", &format!("{age} days; due on {due}")),
        _ => say("age", "unknown"),
    }
    for hidden in &line.hides {
        let relation = if hidden.differs { "another value" } else { "the same value" };
        say("hides", &format!("{relation} in {}", hidden.source));
    }
    if let Some(error) = &line.error {
        say("refused", error);
    }
    say("overlap", &overlap(spec));
    say("looked in", &looked_in.join(", then "));
    text
}

fn overlap(spec: &SecretSpec) -> String {
    match spec.overlap.as_secs() {
        _ if spec.class == Class::AccessList => {
            let hours = OverlapPolicy::new(spec, Duration::ZERO).overlap.as_secs() / (60 * 60);
            format!("a list that is changed by hand ends at once; rotated, it is accepted for {hours} hours")
        }
        0 => "none: the value before ends at once".to_owned(),
        _ if spec.overlap == Duration::MAX => "the value before is kept until it is retired".to_owned(),
        seconds => format!("the value before is accepted for {} hours", seconds / (60 * 60)),
    }
}
