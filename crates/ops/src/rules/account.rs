//! Rules for AWS Secrets Manager: our clock agrees with its, and no version waits there that nobody finishes, which needs
//! a call for each secret.

use std::time::{Duration, SystemTime};

use config::Profile;
use jiff::Timestamp;
use secrets::SourceKind;
use secrets::aws::{Label, ListedVersion, SecretsManager};
use secrets::rotation::MARGIN;

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
    let entries = survey.report.secrets.iter();
    let there =
        entries.filter(|entry| entry.version.as_ref().is_some_and(|version| is_there(&version.origin)));
    let mut findings = Vec::from_iter(skew(manager.clock_skew(), profile));
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

/// Until when a version is accepted is a time of the wall clock.
fn skew(skew: Option<Duration>, profile: Profile) -> Option<Finding> {
    let skew = skew.filter(|skew| *skew > MARGIN)?;
    let message = format!(
        "is {} s from that of AWS; a rotation allows {} s: set it by NTP",
        skew.as_secs(),
        MARGIN.as_secs()
    );
    Some(Finding::new(in_production(profile), "clock_skew", "clock", message))
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
    fn a_clock_that_is_wrong_by_more_than_the_margin_is_told() {
        let found = |seconds| skew(Some(Duration::from_secs(seconds)), Profile::Production);
        assert_eq!((skew(None, Profile::Production), found(30)), (None, None));
        assert_eq!(found(31).map(|finding| finding.severity), Some(Severity::Error));
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
