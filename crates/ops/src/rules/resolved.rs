//! Rules for secrets as they were found: errors and notices of the server, and age, source and shadowed values.

use config::Profile;
use config::check::{Finding, Severity};
use secrets::{
    Catalogue, Class, Error, Grade, Notice, PolicyViolation, SecretReport, SourceKind, VersionReport, Warning,
};

use crate::api_key_list::{self, API_KEYS};
use crate::secret_scan::SecretScan;

const DAY_S: u64 = 24 * 60 * 60;

pub(crate) fn findings(scan: &SecretScan, profile: Profile) -> Vec<Finding> {
    let errors = scan.errors.iter().map(from_error);
    let notices = scan.notices.iter().map(|notice| from_notice(notice, profile));
    let values = scan.report.secrets.iter().flat_map(|entry| from_value(entry, profile));
    let key_errors = scan.with_api_keys(|text| api_key_list::parse(text).err()).flatten();
    let key_errors = key_errors.into_iter().flat_map(|errors| errors.0);
    let keys = key_errors.map(|error| Finding::new(Severity::Error, "api_keys", API_KEYS, error.to_string()));
    let misplaced = scan.misplaced.iter().map(|error| {
        let severity = if profile.is_strict() { Severity::Error } else { Severity::Warning };
        Finding::new(severity, "misplaced", "secrets", error.to_string())
    });
    errors.chain(notices).chain(values).chain(keys).chain(misplaced).collect()
}

/// The server does not start with this error.
fn from_error(error: &Error) -> Finding {
    let (rule, subject) = match error {
        Error::NotFound { name, .. } => ("missing", name.as_str()),
        Error::Ambiguous { name, .. } => ("ambiguous", name.as_str()),
        Error::AccessDenied { name, .. } => ("access_denied", name.as_str()),
        Error::Invalid { name, .. } => ("invalid", name.as_str()),
        Error::Policy { name, violation, .. } => (violated_rule(violation), name.as_str()),
        Error::Unavailable { name, .. } => ("unavailable", name.as_str()),
        other => (other.kind().as_str(), "secrets"),
    };
    Finding::new(Severity::Error, rule, subject, error.to_string())
}

fn violated_rule(violation: &PolicyViolation) -> &'static str {
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

/// The server logs this and starts.
fn from_notice(notice: &Notice, profile: Profile) -> Finding {
    let (severity, rule) = match &notice.warning {
        Warning::Invalid(_) => (Severity::Warning, "invalid"),
        Warning::Mount(_) => (Severity::Warning, "mount"),
        Warning::Policy(violation) => (Severity::Warning, violated_rule(violation)),
        Warning::Empty => (Severity::Warning, "empty"),
        Warning::ShadowsOther { .. } => (Severity::error_in_production(profile), "drift"),
        _ => (Severity::Warning, "notice"),
    };
    Finding::new(severity, rule, notice.name.as_str(), notice.to_string())
}

/// What the server accepts silently.
fn from_value(entry: &SecretReport, profile: Profile) -> Vec<Finding> {
    let Some(version) = entry.version.as_ref().filter(|_| profile != Profile::Development) else {
        return Vec::new();
    };
    let (origin, strict) = (&version.origin, Severity::error_in_production(profile));
    let mut findings = Vec::new();
    let mut find = |severity, rule, message| {
        findings.push(Finding::new(severity, rule, entry.name.as_str(), message));
    };
    if origin.kind() == SourceKind::Env {
        let message = format!(
            "is in the {origin}, where it is easily exposed and its age is unknown; use a file or AWS"
        );
        find(strict, "environment", message);
    } else if version.age.is_none() {
        find(strict, "age_unknown", format!("has an unknown age in {origin}"));
    }
    if version.grade == Grade::Insecure {
        find(strict, "insecure", format!("is readable by everyone in {origin}"));
    }
    if let Some((severity, message)) = overdue(entry, version, profile) {
        find(severity, "overdue", message);
    }
    for shadow in version.shadowed.iter().filter(|shadow| !shadow.differs) {
        find(Severity::Warning, "shadowed", format!("is also in {}; remove one of the two", shadow.origin));
    }
    findings
}

fn overdue(entry: &SecretReport, version: &VersionReport, profile: Profile) -> Option<(Severity, String)> {
    let age = version.age.filter(|_| version.is_overdue)?;
    let age_max = Catalogue::product().get(entry.name.as_str())?.age_max;
    // Replacing an encryption key in haste, without re-encryption, loses data.
    let severity = match entry.class {
        Class::EncryptionKey => Severity::Warning,
        _ => Severity::error_in_production(profile),
    };
    let (age, age_max) = (age.as_secs() / DAY_S, age_max.as_secs() / DAY_S);
    Some((severity, format!("is {age} days old, and {age_max} days are allowed; rotate it")))
}
