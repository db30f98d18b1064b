//! Rules for AWS Secrets Manager: our clock agrees with its clock, and no rotation was left unfinished. The second needs a
//! call for each secret.

use std::time::{Duration, SystemTime};

use config::check::{Finding, Severity};
use jiff::Timestamp;
use secrets::SourceKind;
use secrets::aws::{Label, ListedVersion, SecretsManager};
use secrets::rotation::MARGIN;

use crate::secret_scan::SecretScan;

/// A pending version that is older was abandoned: every step of a rotation takes minutes.
const PENDING_AGE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) async fn findings(manager: &SecretsManager, scan: &SecretScan, now: Timestamp) -> Vec<Finding> {
    let entries = scan.report.secrets.iter().filter(|entry| {
        entry.version.as_ref().is_some_and(|version| version.origin.kind() == SourceKind::Aws)
    });
    let mut findings = Vec::from_iter(skew(manager.clock_skew()));
    for entry in entries {
        let subject = entry.name.as_str();
        match manager.versions(&entry.name).await {
            Ok(versions) => {
                let message = pending(&versions, now);
                findings.extend(
                    message.map(|message| Finding::new(Severity::Warning, "pending", subject, message)),
                );
            }
            Err(error) => {
                let message = format!("cannot list its versions: {error}");
                findings.push(Finding::new(Severity::Warning, "unlisted", subject, message));
            }
        }
    }
    findings
}

/// A version is accepted until a time of the wall clock.
fn skew(skew: Option<Duration>) -> Option<Finding> {
    let skew = skew.filter(|skew| *skew > MARGIN)?;
    let message = format!(
        "differs from the clock of AWS by {} s, and rotations allow {} s; synchronize it with NTP",
        skew.as_secs(),
        MARGIN.as_secs()
    );
    Some(Finding::new(Severity::Warning, "clock_skew", "clock", message))
}

fn pending(versions: &[ListedVersion], now: Timestamp) -> Option<String> {
    let is_pending = |version: &&ListedVersion| {
        version.labels.contains(&Label::Pending) && !version.labels.contains(&Label::Current)
    };
    let version = versions.iter().find(is_pending)?;
    let age = version.created.and_then(|created| SystemTime::from(now).duration_since(created).ok());
    let id = version.id.as_str();
    Some(match age.is_some_and(|age| age >= PENDING_AGE_MAX) {
        true => format!("version {id} belongs to an unfinished rotation; resume or abort it"),
        false => format!("version {id} is about to become current: a rotation is in progress"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(labels: &[Label], age_s: i64) -> Option<String> {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let created = Timestamp::from_second(1_000_000_000 - age_s).unwrap();
        let token = secrets::aws::Token::random().unwrap();
        let version = ListedVersion {
            id: token.version().clone(),
            labels: labels.to_vec(),
            created: Some(SystemTime::from(created)),
        };
        pending(&[version], now)
    }

    #[test]
    fn a_clock_that_is_wrong_by_more_than_the_margin_is_found() {
        let found = |seconds| skew(Some(Duration::from_secs(seconds)));
        assert_eq!((skew(None), found(30)), (None, None));
        let message =
            "differs from the clock of AWS by 31 s, and rotations allow 30 s; synchronize it with NTP";
        assert_eq!(found(31), Some(Finding::new(Severity::Warning, "clock_skew", "clock", message)));
    }

    #[test]
    fn a_version_that_is_pending_for_a_day_was_abandoned() {
        const DAY_S: i64 = 86_400;
        let is_unfinished = |labels, age_s| message(labels, age_s).map(|text| text.contains("unfinished"));
        assert_eq!(is_unfinished(&[Label::Pending], DAY_S), Some(true));
        assert_eq!(is_unfinished(&[Label::Pending], DAY_S - 1), Some(false));
        assert_eq!(is_unfinished(&[Label::Pending, Label::Current], DAY_S), None, "it is current");
        assert_eq!(is_unfinished(&[Label::Current], DAY_S), None);
    }
}
