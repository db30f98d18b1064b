//! The JSON that scripts read: one object, with the name and version of its schema first.

use serde::Serialize;

use crate::console::Console;
use crate::failure::Failure;

/// Whether the answer is for a person or for a script.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Form {
    /// Answer with one JSON object, whose schema is named and versioned in it
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema: &'a str,
    #[serde(flatten)]
    body: &'a T,
}

/// Answers in JSON. A schema is named like `investiq.secrets.report.v1`; its number rises when a field goes or changes
/// its meaning, and stays when one is added.
pub(crate) fn answer<T: Serialize>(console: &mut Console, schema: &str, body: &T) -> Result<(), Failure> {
    let document = Document { schema, body };
    let text = serde_json::to_string_pretty(&document).map_err(|error| Failure::Output(error.into()))?;
    console.answer(&format!("{text}\n"))
}
