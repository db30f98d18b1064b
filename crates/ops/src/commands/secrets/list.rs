//! `investiq secrets list`: every secret and its name in each source. It looks up none.

use secrets::{Catalogue, SecretSpec};
use serde::Serialize;

use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::generator::Generator;
use crate::output::OutputFormat;
use crate::table::table;

/// The prefix of names in AWS Secrets Manager.
const PREFIX_VARIABLE: &str = "SECRET_PREFIX";

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  investiq secrets list\n  investiq secrets list --json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    output: OutputFormat,
}

#[derive(Serialize)]
struct Line {
    name: String,
    purpose: &'static str,
    issued_by: &'static str,
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
    let secrets = Catalogue::product().iter().map(|spec| line(spec, &prefix)).collect();
    arguments.output.print(console, "investiq.secrets.list.v1", &Body { secrets }, text)?;
    Ok(Exit::Success)
}

fn line(spec: &SecretSpec, prefix: &str) -> Line {
    Line {
        name: spec.name.to_string(),
        purpose: spec.purpose,
        issued_by: if Generator::for_secret(spec).is_some() { "us" } else { "others" },
        variables: spec.variables().collect(),
        aws_id: spec.name.aws_id(prefix),
        age_max_days: spec.age_max.as_secs() / super::report::DAY_S,
    }
}

fn text(Body { secrets }: &Body) -> String {
    let row = |line: &Line| {
        let Line { name, purpose, issued_by, variables, aws_id, .. } = line;
        [name.clone(), variables.join(", "), aws_id.clone(), (*issued_by).to_owned(), (*purpose).to_owned()]
    };
    let rows: Vec<_> = secrets.iter().map(row).collect();
    table(["NAME AND FILE", "VARIABLE", "AWS ID", "ISSUED BY", "PURPOSE"], &rows)
}
