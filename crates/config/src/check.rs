//! Release checks: settings that the server rejects, and settings and machines that are unsafe.
//!
//! No secret is read and no connection is opened; `investiq config check` can do both.

mod machine;
mod settings;

use std::fmt;

use secrets::{Environment, Profile};
use serde::Serialize;

pub use machine::machine_findings;

/// A problem. It never contains the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub(crate) severity: Severity,
    pub(crate) rule: &'static str,
    subject: String,
    pub(crate) message: String,
    /// What to do about it: a command where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

/// Whether a finding fails a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The check fails.
    Error,
    /// Only a strict check fails.
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
    let settings = match crate::load(environment) {
        Ok(config) => settings::findings(&config),
        Err(errors) => errors.iter().map(settings::rejected).collect(),
    };
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
}

impl Severity {
    /// An error in production, a warning in other profiles.
    #[must_use]
    pub fn error_in_production(profile: Profile) -> Self {
        match profile {
            Profile::Production => Self::Error,
            Profile::Staging | Profile::Development => Self::Warning,
        }
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

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { severity, rule, subject, message, remedy } in &self.findings {
            let severity = match severity {
                Severity::Error => "error  ",
                Severity::Warning => "warning",
            };
            writeln!(out, "{severity} {subject}: {message} [{rule}]")?;
            if let Some(remedy) = remedy {
                writeln!(out, "        {remedy}")?;
            }
        }
        writeln!(out, "{}: {} error(s), {} warning(s)", self.profile, self.errors, self.warnings)
    }
}
