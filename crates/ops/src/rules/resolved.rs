//! Rules for secrets as they were found: what the server refuses, and age, hiding places and environment besides.

use config::Profile;
use secrets::{
    Catalogue, Class, Error, Grade, Notice, PolicyViolation, SecretReport, SourceKind, VersionReport, Warning,
};

use super::in_production;
use crate::finding::{Finding, Severity};
use crate::survey::{API_KEYS, Survey};

const DAY_S: u64 = 24 * 60 * 60;

/// What is wrong with the secrets of a survey.
pub(crate) fn findings(survey: &Survey, profile: Profile) -> Vec<Finding> {
    let refused = survey.problems.iter().map(refused);
    let noticed = survey.notices.iter().map(|notice| noticed(notice, profile));
    let standing = survey.report.secrets.iter().flat_map(|entry| standing(entry, profile));
    let keys = survey.key_faults().into_iter().flat_map(|faults| faults.0);
    let keys = keys.map(|fault| Finding::new(Severity::Error, "api_keys", API_KEYS, fault.to_string()));
    refused.chain(noticed).chain(standing).chain(keys).collect()
}

/// What the server itself refuses to start on.
fn refused(error: &Error) -> Finding {
    let (rule, subject) = match error {
        Error::NotFound { name, .. } => ("missing", name.as_str()),
        Error::Ambiguous { name, .. } => ("ambiguous", name.as_str()),
        Error::AccessDenied { name, .. } => ("access_denied", name.as_str()),
        Error::Invalid { name, .. } => ("form", name.as_str()),
        Error::Policy { name, violation, .. } => (rule_of(violation), name.as_str()),
        Error::Unavailable { name, .. } => ("unavailable", name.as_str()),
        other => (other.kind().as_str(), "secrets"),
    };
    Finding::new(Severity::Error, rule, subject, error.to_string())
}

fn rule_of(violation: &PolicyViolation) -> &'static str {
    match violation {
        PolicyViolation::Placeholder => "placeholder",
        PolicyViolation::PublishedExample => "example",
        PolicyViolation::RepeatedPattern => "repeated",
        PolicyViolation::Sequential => "sequential",
        PolicyViolation::Weak { .. } => "weak",
        PolicyViolation::Reused { .. } => "reused",
        PolicyViolation::SourceNotAllowed => "source",
        _ => "policy",
    }
}

/// What the server says and accepts.
fn noticed(notice: &Notice, profile: Profile) -> Finding {
    let (severity, rule) = match &notice.warning {
        Warning::Invalid(_) => (Severity::Warning, "form"),
        Warning::Mount(_) => (Severity::Warning, "mount"),
        Warning::Policy(violation) => (Severity::Warning, rule_of(violation)),
        Warning::EmptyVariable => (Severity::Warning, "empty_variable"),
        Warning::ShadowsOther { .. } => (in_production(profile), "drift"),
        _ => (Severity::Warning, "notice"),
    };
    Finding::new(severity, rule, notice.name.as_str(), notice.to_string())
}

/// What a value that is in use leaves to be wished.
fn standing(entry: &SecretReport, profile: Profile) -> Vec<Finding> {
    let Some(version) = &entry.version else { return Vec::new() };
    let find = |severity, rule, message: String| Finding::new(severity, rule, entry.name.as_str(), message);
    let is_env = version.origin.kind() == SourceKind::Env;
    let mut findings = Vec::new();
    if is_env {
        let message = format!(
            "is in the {}, where its process shows it and its age is unknown: use a file or AWS",
            version.origin
        );
        let severity = in_production(profile);
        findings.push((severity, "environment", message));
    } else if version.age.is_none() {
        findings.push((
            in_production(profile),
            "age_unknown",
            format!("has no known age in {}", version.origin),
        ));
    }
    if version.grade == Grade::Insecure {
        findings.push((
            in_production(profile),
            "insecure",
            format!("can be read by everyone in {}", version.origin),
        ));
    }
    findings.extend(overdue(entry, version, profile));
    for shadow in version.shadowed.iter().filter(|shadow| !shadow.differs) {
        findings.push((Severity::Warning, "shadowed", format!("is also in {}: keep one", shadow.origin)));
    }
    let is_checked = profile != Profile::Development;
    findings
        .into_iter()
        .filter(|_| is_checked)
        .map(|(severity, rule, message)| find(severity, rule, message))
        .collect()
}

fn overdue(
    entry: &SecretReport,
    version: &VersionReport,
    profile: Profile,
) -> Option<(Severity, &'static str, String)> {
    let age = version.age.filter(|_| version.is_overdue)?;
    let age_max = Catalogue::product().get(entry.name.as_str())?.age_max;
    // A new encryption key without re-encryption loses data; haste is the greater danger.
    let severity =
        if entry.class == Class::EncryptionKey { Severity::Warning } else { in_production(profile) };
    let (age, age_max) = (age.as_secs() / DAY_S, age_max.as_secs() / DAY_S);
    Some((severity, "overdue", format!("is {age} days old; {age_max} are allowed: rotate it")))
}
