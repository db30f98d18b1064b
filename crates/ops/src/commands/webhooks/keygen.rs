//! `investiq webhooks keygen`: keys with which one can play every provider, for a server of one's own. It puts none of
//! them in force.

use std::path::PathBuf;

use serde::Serialize;

use crate::console::Console;
use crate::dev_keys::{self, DevKeys};
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Where the keys are left
    #[arg(long, value_name = "DIR", default_value = dev_keys::DIRECTORY)]
    keys: PathBuf,
    #[command(flatten)]
    form: Form,
}

#[derive(Serialize)]
struct Body {
    created: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let keys = DevKeys::new(&arguments.keys);
    let created = keys.create(console.now())?;
    let created: Vec<String> = created.iter().map(|path| path.display().to_string()).collect();
    if arguments.form.json {
        document::answer(console, "investiq.webhooks.keygen.v1", &Body { created })?;
    } else {
        let lines: String = created.iter().map(|path| format!("created  {path}\n")).collect();
        console.answer(&lines)?;
    }
    console.say("these keys prove nothing to anyone but a server that is told to trust them; docs/webhooks.md says how");
    Ok(Exit::Good)
}
