//! `investiq secrets list`: every declared secret and what it is called in each place. It looks nowhere.

use secrets::{Catalogue, SecretSpec};
use serde::Serialize;

use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generation::Recipe;
use crate::table::table;

/// Stands before each name in AWS Secrets Manager.
const PREFIX_VARIABLE: &str = "SECRET_PREFIX";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Line {
    name: String,
    purpose: &'static str,
    made_by: &'static str,
    variables: Vec<String>,
    aws_id: String,
    age_max_days: u64,
}

#[derive(Serialize)]
struct Body {
    secrets: Vec<Line>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let prefix = console.environment().get(PREFIX_VARIABLE).unwrap_or_default().to_owned();
    let secrets: Vec<Line> = Catalogue::product().iter().map(|spec| line(spec, &prefix)).collect();
    if arguments.form.json {
        document::answer(console, "investiq.secrets.list.v1", &Body { secrets })?;
    } else {
        console.answer(&text(&secrets))?;
    }
    Ok(Exit::Good)
}

fn line(spec: &SecretSpec, prefix: &str) -> Line {
    Line {
        name: spec.name.to_string(),
        purpose: spec.purpose,
        made_by: if Recipe::for_secret(spec).is_some() { "us" } else { "others" },
        variables: spec.variables().collect(),
        aws_id: spec.name.aws_id(prefix),
        age_max_days: spec.age_max.as_secs() / super::report::DAY_S,
    }
}

fn text(lines: &[Line]) -> String {
    let row = |line: &Line| {
        let Line { name, purpose, made_by, variables, aws_id, .. } = line;
        [name.clone(), variables.join(", "), aws_id.clone(), (*made_by).to_owned(), (*purpose).to_owned()]
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    table(["NAME AND FILE", "VARIABLE", "AWS ID", "MADE BY", "PURPOSE"], &rows)
}
