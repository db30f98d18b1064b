//! Release checks: settings that the server rejects, and settings and machines that are unsafe.
//!
//! No secret is read and no connection is opened: [`start`](crate::start) looks up secrets.

mod machine;
mod settings;

use std::fmt;

use secrets::{Environment, Profile};
use serde::Serialize;

pub use machine::machine_findings;
pub(crate) use settings::setting_error;

/// A problem. It never contains the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub(crate) severity: Severity,
    pub(crate) rule: &'static str,
    pub(crate) subject: String,
    pub(crate) message: String,
    /// What to do about it: a command where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// Whether a finding fails a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The server does not start, and the check fails.
    Error,
    /// The server starts, and only a strict check fails.
    Warning,
}

/// The findings of a check, errors first.
#[derive(Debug, Serialize)]
pub struct Report {
    profile: &'static str,
    findings: Vec<Finding>,
    errors: usize,
    warnings: usize,
}

/// Checks the settings of this environment and the machine, by the rules of its profile.
#[must_use]
pub fn findings(environment: &Environment) -> Vec<Finding> {
    let errors = crate::load(environment).err();
    let errors = errors.iter().flat_map(crate::Errors::iter).map(setting_error);
    errors.chain(advice(environment)).collect()
}

/// Settings and properties of the machine that are unsafe. The server starts with them.
#[must_use]
pub fn advice(environment: &Environment) -> Vec<Finding> {
    let settings = crate::load(environment).map(|config| settings::findings(&config)).unwrap_or_default();
    [settings, machine_findings(environment, crate::profile(environment))].concat()
}

impl Finding {
    /// `rule` is an identifier for scripts and never changes; `subject` names the secret, setting or variable.
    pub fn new(
        severity: Severity,
        rule: &'static str,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { severity, rule, subject: subject.into(), message: message.into(), remedy: None }
    }

    /// Adds what to do about it: a command where there is one.
    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    /// Whether it fails a check.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The identifier of the broken rule.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// The secret, setting or variable.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    pub(crate) fn into_warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }
}

impl Report {
    /// Sorts the findings, errors first.
    #[must_use]
    pub fn new(profile: Profile, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|one, other| {
            (one.severity, &one.subject, one.rule).cmp(&(other.severity, &other.subject, other.rule))
        });
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let warnings = findings.len() - errors;
        Self { profile: profile.as_str(), findings, errors, warnings }
    }

    /// Whether there is no error and, if `strict`, no warning.
    #[must_use]
    pub fn passes(&self, strict: bool) -> bool {
        self.errors == 0 && !(strict && self.warnings > 0)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { severity: _, rule, subject, message, remedy } = self;
        write!(out, "{subject}: {message} [{rule}]")?;
        remedy.as_ref().map_or(Ok(()), |remedy| write!(out, "\n        {remedy}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            let severity = match finding.severity {
                Severity::Error => "error  ",
                Severity::Warning => "warning",
            };
            writeln!(out, "{severity} {finding}")?;
        }
        writeln!(out, "{}: {} error(s), {} warning(s)", self.profile, self.errors, self.warnings)
    }
}
