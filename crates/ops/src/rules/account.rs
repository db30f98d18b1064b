//! Rules for AWS Secrets Manager that need a call for each secret: no version may wait there that nobody finishes.

use std::time::{Duration, SystemTime};

use api_server::config::Profile;
use jiff::Timestamp;
use secrets::SourceKind;
use secrets::aws::{Label, ListedVersion, SecretsManager};

use super::in_production;
use crate::finding::{Finding, Severity};
use crate::survey::Survey;

/// Age from which on a version that waits was left behind: every step of a rotation takes minutes.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 60 * 60);

/// What waits in the account, of the secrets that are found there.
pub(crate) async fn findings(
    manager: &SecretsManager,
    survey: &Survey,
    profile: Profile,
    now: Timestamp,
) -> Vec<Finding> {
    let is_there = |origin: &secrets::Origin| origin.kind() == SourceKind::Aws;
    let entries = survey.report.entries.iter();
    let there =
        entries.filter(|entry| entry.version.as_ref().is_some_and(|version| is_there(&version.origin)));
    let mut findings = Vec::new();
    for entry in there {
        let subject = entry.name.as_str();
        match manager.versions(&entry.name).await {
            Ok(versions) => {
                findings.extend(
                    waiting(&versions, profile, now)
                        .map(|(severity, message)| Finding::new(severity, "pending", subject, message)),
                );
            }
            Err(error) => {
                let message = format!("its versions cannot be listed: {error}");
                findings.push(Finding::new(Severity::Warning, "unlisted", subject, message));
            }
        }
    }
    findings
}

fn waiting(versions: &[ListedVersion], profile: Profile, now: Timestamp) -> Option<(Severity, String)> {
    let waits = |version: &&ListedVersion| {
        version.labels.contains(&Label::Pending) && !version.labels.contains(&Label::Current)
    };
    let version = versions.iter().find(waits)?;
    let age = version.created.and_then(|made| SystemTime::from(now).duration_since(made).ok());
    let id = version.id.as_str();
    Some(match age.is_some_and(|age| age >= LEFT_BEHIND) {
        true => (
            in_production(profile),
            format!("version {id} was left behind by a rotation: resume or abort it"),
        ),
        false => (Severity::Warning, format!("version {id} is about to take over: a rotation is under way")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn severity(labels: &[Label], age_s: i64) -> Option<Severity> {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let created = Timestamp::from_second(1_000_000_000 - age_s).unwrap();
        let token = secrets::aws::Token::random().unwrap();
        let version = ListedVersion {
            id: token.version().clone(),
            labels: labels.to_vec(),
            created: Some(SystemTime::from(created)),
        };
        waiting(&[version], Profile::Production, now).map(|(severity, _)| severity)
    }

    #[test]
    fn a_version_that_waits_for_a_day_was_left_behind() {
        const DAY_S: i64 = 86_400;
        assert_eq!(severity(&[Label::Pending], DAY_S), Some(Severity::Error));
        assert_eq!(severity(&[Label::Pending], DAY_S - 1), Some(Severity::Warning));
        assert_eq!(severity(&[Label::Pending, Label::Current], DAY_S), None, "it took over");
        assert_eq!(severity(&[Label::Current], DAY_S), None);
    }
}
