//! A value that a person brings: typed at a hidden prompt, or read from standard input or a file. Never an argument.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use secrets::{SECRET_BYTES_MAX, SecretSpec, SecretValue};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Where the value is read.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(multiple = false)]
pub(crate) struct Source {
    /// Read the value from this file
    #[arg(long, value_name = "FILE")]
    from_file: Option<PathBuf>,
    /// Read the value from standard input
    #[arg(long)]
    stdin: bool,
}

impl Source {
    /// Whether the operator said where the value is read.
    pub(crate) fn is_named(&self) -> bool {
        self.stdin || self.from_file.is_some()
    }

    /// The value as it was brought.
    pub(crate) fn read(&self, spec: &SecretSpec) -> Result<SecretValue, Failure> {
        match &self.from_file {
            Some(path) => {
                let failed = |error| Failure::Precondition(format!("reading {}: {error}", path.display()));
                bounded(File::open(path).map_err(failed)?).map_err(failed)
            }
            None if self.stdin => bounded(io::stdin().lock())
                .map_err(|error| Failure::Precondition(format!("reading standard input: {error}"))),
            None => prompt(spec),
        }
    }
}

/// Asks on the terminal, showing nothing of what is typed.
pub(crate) fn prompt(spec: &SecretSpec) -> Result<SecretValue, Failure> {
    let absent = || {
        let message = "there is no terminal to ask on: use --stdin or --from-file";
        Failure::Precondition(message.to_owned())
    };
    if !io::stdin().is_terminal() {
        return Err(absent());
    }
    let question = format!("{} ({}): ", spec.name, spec.purpose);
    rpassword::prompt_password(question).map(SecretValue::from_string).map_err(|_| absent())
}

/// Reads one byte more than a secret may have, so that one which is too large is refused and not cut.
fn bounded(source: impl Read) -> io::Result<SecretValue> {
    let limit = SECRET_BYTES_MAX + 1;
    // Large enough from the start: a vector that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 1));
    source.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(SecretValue::from_slice(&bytes))
}
