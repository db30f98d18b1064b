//! `investiq secrets report`: the age of each secret and the day on which it is due, as a table, JSON or a calendar.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use secrets::{Catalogue, ErrorKind, SecretReport, Shadow, SourceKind, VersionReport};
use serde::Serialize;

use crate::calendar::{self, Due};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::OutputFormat;
use crate::secret_lookup::LookupArguments;
use crate::secret_scan::SecretScan;
use crate::table::table;

pub(super) const DAY_S: u64 = 24 * 60 * 60;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  investiq secrets report\n  investiq secrets report --ics > rotation.ics"
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    lookup: LookupArguments,
    /// Print a calendar (RFC 5545) with the day on which each secret is due
    #[arg(long, conflicts_with = "json")]
    ics: bool,
    #[command(flatten)]
    output: OutputFormat,
}

/// The state of one secret.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) purpose: &'static str,
    pub(super) source: Option<String>,
    pub(super) grade: Option<String>,
    pub(super) version: Option<String>,
    pub(super) age_days: Option<u64>,
    pub(super) due: Option<Date>,
    pub(super) is_overdue: bool,
    pub(super) shadows: Vec<ShadowedValue>,
    pub(super) error: Option<String>,
}

/// A value in a later source, which is not used.
#[derive(Debug, Serialize)]
pub(super) struct ShadowedValue {
    pub(super) source: String,
    pub(super) differs: bool,
}

#[derive(Serialize)]
struct Ages {
    profile: &'static str,
    secrets: Vec<Line>,
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let lookup = arguments.lookup.resolve(console)?;
    let scan = SecretScan::run(&lookup).await?;
    let report = Ages { profile: lookup.config.profile.as_str(), secrets: lines(&scan, console.now()) };
    if arguments.ics {
        let due = report.secrets.iter().filter_map(|line| Some(Due { name: &line.name, date: line.due? }));
        console.print(&calendar::calendar(&due.collect::<Vec<_>>(), console.now()))?;
    } else {
        let text = |report: &Ages| text(&report.secrets);
        arguments.output.print(console, "investiq.secrets.report.v1", &report, text)?;
    }
    Ok(Exit::Success)
}

pub(super) fn lines(scan: &SecretScan, now: Timestamp) -> Vec<Line> {
    let catalogue = Catalogue::product();
    let age_max = |entry: &SecretReport| catalogue.get(entry.name.as_str()).map(|spec| spec.age_max);
    scan.report.secrets.iter().map(|entry| Line::new(entry, age_max(entry), now)).collect()
}

impl Line {
    fn new(entry: &SecretReport, age_max: Option<Duration>, now: Timestamp) -> Self {
        let version = entry.version.as_ref();
        let age = version.and_then(|version| version.age);
        Self {
            name: entry.name.to_string(),
            purpose: entry.purpose,
            source: version.map(|version| version.origin.to_string()),
            grade: version.map(|version| version.grade.to_string()),
            version: version.and_then(aws_version),
            age_days: age.map(|age| age.as_secs() / DAY_S),
            due: age.zip(age_max).and_then(|(age, age_max)| due(now, age, age_max)),
            is_overdue: version.is_some_and(|version| version.is_overdue),
            shadows: version
                .map(|version| version.shadowed.iter().map(ShadowedValue::new).collect())
                .unwrap_or_default(),
            error: entry
                .error
                .as_ref()
                .filter(|error| error.kind() != ErrorKind::NotFound)
                .map(ToString::to_string),
        }
    }

    fn status(&self) -> &'static str {
        match (&self.source, &self.error) {
            (None, None) => "not set",
            (_, Some(_)) => "invalid",
            (Some(_), None) if self.is_overdue => "overdue",
            // Rotating the shadowed value would have no effect.
            (Some(_), None) if self.shadows.iter().any(|shadow| shadow.differs) => "shadows another",
            (Some(_), None) => "ok",
        }
    }
}

impl ShadowedValue {
    fn new(shadow: &Shadow) -> Self {
        Self { source: shadow.origin.to_string(), differs: shadow.differs }
    }
}

/// The id of a version in AWS. Other ids are valid only within this process.
fn aws_version(version: &VersionReport) -> Option<String> {
    (version.origin.kind() == SourceKind::Aws).then(|| version.id.as_str().to_owned())
}

/// The day (UTC) on which a secret of this age is due.
fn due(now: Timestamp, age: Duration, age_max: Duration) -> Option<Date> {
    let left = SignedDuration::try_from(age_max).ok()? - SignedDuration::try_from(age).ok()?;
    Some(now.checked_add(left).ok()?.to_zoned(TimeZone::UTC).date())
}

fn text(lines: &[Line]) -> String {
    let dash = || "-".to_owned();
    let row = |line: &Line| {
        [
            line.name.clone(),
            line.status().to_owned(),
            line.age_days.map_or_else(dash, |days| days.to_string()),
            line.due.map_or_else(dash, |due| due.to_string()),
            line.source.clone().unwrap_or_else(dash),
        ]
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    table(["NAME", "STATUS", "AGE (DAYS)", "DUE", "SOURCE"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_due_at_its_maximum_age() {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let days = |days| Duration::from_secs(days * DAY_S);
        // 90 days after 2026-02-19 are 2026-05-20: 9 days of February, 31 of March, 30 of April, 20 of May.
        assert_eq!(due(now, days(10), days(90)), Some(jiff::civil::date(2026, 5, 20)));
        assert_eq!(due(now, days(91), days(90)), Some(jiff::civil::date(2026, 2, 28)));
        assert_eq!(due(now, days(1), Duration::MAX), None);
    }
}
