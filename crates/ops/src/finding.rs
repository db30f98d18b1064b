//! What a check found: each finding names its rule, so that a script can tell them apart, and never shows a value.

use serde::Serialize;

use crate::console::Console;
use crate::document;
use crate::exit::Exit;
use crate::failure::Failure;

/// Something that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// The rule's name, which stays the same.
    pub(crate) rule: &'static str,
    /// The secret or setting that it is about.
    pub(crate) subject: String,
    /// What is wrong, and what to do.
    pub(crate) message: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// The check fails.
    Error,
    /// It fails only when it is strict.
    Warning,
}

/// Whether warnings fail a check, too.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Strictness {
    /// Fail on warnings, too
    #[arg(long)]
    strict: bool,
}

/// What a check looked at, and what it found.
#[derive(Debug, Serialize)]
pub(crate) struct Findings<'a> {
    /// The rules that were applied.
    pub(crate) profile: &'a str,
    /// Errors first.
    pub(crate) findings: Vec<Finding>,
    errors: usize,
    warnings: usize,
}

impl Finding {
    /// One of this severity.
    pub(crate) fn new(
        severity: Severity,
        rule: &'static str,
        subject: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { severity, rule, subject: subject.into(), message: message.into() }
    }
}

impl<'a> Findings<'a> {
    /// Sorts them, errors first.
    pub(crate) fn new(profile: &'a str, mut findings: Vec<Finding>) -> Self {
        findings.sort_by(|one, other| {
            (one.severity, &one.subject, one.rule).cmp(&(other.severity, &other.subject, other.rule))
        });
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let warnings = findings.len() - errors;
        Self { profile, findings, errors, warnings }
    }

    /// Answers with them, and with the exit code that they deserve.
    pub(crate) fn answer(
        &self,
        console: &mut Console,
        form: document::Form,
        strictness: Strictness,
    ) -> Result<Exit, Failure> {
        if form.json {
            document::answer(console, "investiq.findings.v1", self)?;
        } else {
            console.answer(&self.text())?;
        }
        let fails = self.errors > 0 || (strictness.strict && self.warnings > 0);
        Ok(if fails { Exit::Found } else { Exit::Good })
    }

    fn text(&self) -> String {
        let line = |finding: &Finding| {
            let Finding { severity, rule, subject, message } = finding;
            let severity = match severity {
                Severity::Error => "error  ",
                Severity::Warning => "warning",
            };
            format!("{severity} {subject}: {message} [{rule}]\n")
        };
        let lines: String = self.findings.iter().map(line).collect();
        format!("{lines}{}: {} error(s), {} warning(s)\n", self.profile, self.errors, self.warnings)
    }
}
