//! Reads the value of a secret from a hidden prompt, standard input or a file. A value is never an argument.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use secrets::{SECRET_BYTES_MAX, SecretSpec, SecretValue};
use zeroize::Zeroizing;

use crate::failure::Failure;

#[derive(Clone, Debug, Default, clap::Args)]
#[group(multiple = false)]
pub(crate) struct ValueInput {
    /// Read the value from this file
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Read the value from standard input
    #[arg(long)]
    stdin: bool,
}

impl ValueInput {
    /// Whether the arguments say where to read the value; otherwise it is prompted for.
    pub(crate) fn is_given(&self) -> bool {
        self.stdin || self.from_file.is_some()
    }

    pub(crate) fn read(&self, spec: &SecretSpec) -> Result<SecretValue, Failure> {
        match &self.from_file {
            Some(path) => read_file(path),
            None if self.stdin => read_bounded(io::stdin().lock())
                .map_err(|error| Failure::Precondition(format!("cannot read standard input: {error}"))),
            None => prompt(spec),
        }
    }
}

pub(crate) fn read_file(path: &Path) -> Result<SecretValue, Failure> {
    let failed = |error| Failure::Precondition(format!("cannot read {}: {error}", path.display()));
    read_bounded(File::open(path).map_err(failed)?).map_err(failed)
}

/// Prompts on the terminal without echoing.
pub(crate) fn prompt(spec: &SecretSpec) -> Result<SecretValue, Failure> {
    let no_terminal =
        || Failure::Precondition("there is no terminal to prompt on; use --stdin or --from-file".to_owned());
    if !io::stdin().is_terminal() {
        return Err(no_terminal());
    }
    let question = format!("{} ({}): ", spec.name, spec.purpose);
    rpassword::prompt_password(question).map(SecretValue::from_string).map_err(|_| no_terminal())
}

/// Reads one byte more than a secret may have, so that a longer one is rejected and not cut.
fn read_bounded(source: impl Read) -> io::Result<SecretValue> {
    let limit = SECRET_BYTES_MAX + 1;
    // Large enough from the start: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    source.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(SecretValue::from_slice(&bytes))
}
