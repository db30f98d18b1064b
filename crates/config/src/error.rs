//! Errors and warnings of a configuration.

use std::fmt;

/// One error. Its text never repeats the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Error {
    /// The path of the setting, such as `server.bind_address`; empty for a whole file.
    pub path: String,
    /// The source of the value: a file, or a variable of the environment.
    pub source: String,
    /// What is expected instead.
    pub problem: String,
}

/// Every error of a configuration, sorted by path and each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errors(Vec<Error>);

impl Errors {
    pub(crate) fn new(errors: Vec<Error>) -> Self {
        Self(errors)
    }

    /// The errors, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = &Error> {
        self.0.iter()
    }
}

impl fmt::Display for Errors {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "invalid configuration, {} error(s):", self.0.len())?;
        self.0.iter().try_for_each(|error| write!(out, "\n  {error}"))
    }
}

impl std::error::Error for Errors {}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, source, problem } = self;
        match path.is_empty() {
            true => write!(out, "{source}: {problem}"),
            false => write!(out, "{path} ({source}): {problem}"),
        }
    }
}

/// A variable that is set and has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The name of the variable.
    pub variable: String,
    /// Why it has no effect, and what to use instead.
    pub advice: &'static str,
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is set and has no effect: {}", self.variable, self.advice)
    }
}
