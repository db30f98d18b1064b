//! What is wrong with a configuration, and where.

use std::fmt;

/// One thing that is wrong. Its text never repeats the value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The setting's path, such as `server.bind_address`; empty for a whole file.
    pub path: String,
    /// Where the value came from: a file, or a variable of the environment.
    pub source: String,
    /// What is expected instead.
    pub problem: String,
}

/// Every fault of a configuration, in the order of their paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub(super) fn new(mut faults: Vec<Fault>) -> Self {
        faults.sort();
        faults.dedup();
        Self(faults)
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the configuration has {} fault(s):", self.0.len())?;
        self.0.iter().try_for_each(|fault| write!(out, "\n  {fault}"))
    }
}

impl std::error::Error for Faults {}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, source, problem } = self;
        match path.is_empty() {
            true => write!(out, "{source}: {problem}"),
            false => write!(out, "{path} ({source}): {problem}"),
        }
    }
}

/// Something that does no harm, and that its author surely did not mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The variable.
    pub variable: String,
    /// Why it does nothing, and what to use instead.
    pub advice: &'static str,
}

impl fmt::Display for Warning {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} is set and has no effect: {}", self.variable, self.advice)
    }
}
