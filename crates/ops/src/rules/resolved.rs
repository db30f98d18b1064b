//! Rules for secrets as they were found: notices of the server, and age, source and shadowed values.

use config::Profile;
use config::check::{Finding, Severity};
use config::start::policy_rule;
use secrets::{Catalogue, Grade, Notice, SecretReport, SourceKind, VersionReport, Warning};

use crate::secret_scan::SecretScan;

const DAY_S: u64 = 24 * 60 * 60;

pub(crate) fn findings(scan: &SecretScan, profile: Profile) -> Vec<Finding> {
    let values = scan.report.secrets.iter().flat_map(|entry| from_value(entry, profile));
    scan.notices.iter().map(from_notice).chain(values).chain(scan.misplaced.iter().cloned()).collect()
}

/// The server logs this and starts.
fn from_notice(notice: &Notice) -> Finding {
    let rule = match &notice.warning {
        Warning::Invalid(_) => "invalid",
        Warning::Mount(_) => "mount",
        Warning::Policy(violation) => policy_rule(violation),
        Warning::Empty => "empty",
        Warning::ShadowsOther { .. } => "drift",
        _ => "notice",
    };
    Finding::new(Severity::Warning, rule, notice.name.as_str(), notice.to_string())
}

/// What the server accepts silently.
fn from_value(entry: &SecretReport, profile: Profile) -> Vec<Finding> {
    let Some(version) = entry.version.as_ref().filter(|_| profile != Profile::Development) else {
        return Vec::new();
    };
    let origin = &version.origin;
    let mut findings = Vec::new();
    let mut find =
        |rule, message| findings.push(Finding::new(Severity::Warning, rule, entry.name.as_str(), message));
    if origin.kind() == SourceKind::Env {
        let message = format!(
            "is in the {origin}, where it is easily exposed and its age is unknown; use a file or AWS"
        );
        find("environment", message);
    } else if version.age.is_none() {
        find("age_unknown", format!("has an unknown age in {origin}"));
    }
    if version.grade == Grade::Insecure {
        find("insecure", format!("is readable by everyone in {origin}"));
    }
    if let Some(message) = overdue(entry, version) {
        find("overdue", message);
    }
    for shadow in version.shadowed.iter().filter(|shadow| !shadow.differs) {
        find("shadowed", format!("is also in {}; remove one of the two", shadow.origin));
    }
    findings
}

fn overdue(entry: &SecretReport, version: &VersionReport) -> Option<String> {
    let age = version.age.filter(|_| version.is_overdue)?;
    let age_max = Catalogue::product().get(entry.name.as_str())?.age_max;
    let (age, age_max) = (age.as_secs() / DAY_S, age_max.as_secs() / DAY_S);
    Some(format!("is {age} days old, and {age_max} days are allowed; rotate it"))
}
