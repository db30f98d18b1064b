//! `investiq secrets report`: the age of each secret and the day on which it is due, as a table, JSON or a calendar.

use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use secrets::{Catalogue, SecretReport, Shadow, VersionReport};
use serde::Serialize;

use crate::calendar::{self, Due};
use crate::console::Console;
use crate::document::{self, Form};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::place::PlaceArguments;
use crate::survey::Survey;
use crate::table::table;

pub(super) const DAY_S: u64 = 24 * 60 * 60;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// Write a calendar (RFC 5545) with the day on which each secret is due
    #[arg(long, conflicts_with = "json")]
    ics: bool,
    #[command(flatten)]
    form: Form,
}

/// One secret, as it stands.
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
    pub(super) hides: Vec<Hidden>,
    pub(super) error: Option<String>,
}

/// A later place that offers the secret, too.
#[derive(Debug, Serialize)]
pub(super) struct Hidden {
    pub(super) source: String,
    pub(super) differs: bool,
}

#[derive(Serialize)]
struct Body<'a> {
    profile: &'a str,
    secrets: &'a [Line],
}

pub(crate) async fn run(arguments: &Arguments, console: &mut Console) -> Result<Exit, Failure> {
    let place = arguments.place.resolve(console)?;
    let survey = Survey::of(&place, console).await?;
    let lines = lines(&survey, console.now());
    if arguments.form.json {
        let body = Body { profile: place.profile.as_str(), secrets: &lines };
        document::answer(console, "investiq.secrets.report.v1", &body)?;
    } else if arguments.ics {
        let due = lines.iter().filter_map(|line| Some(Due { name: &line.name, on: line.due? }));
        console.answer(&calendar::calendar(&due.collect::<Vec<_>>(), console.now()))?;
    } else {
        console.answer(&text(&lines))?;
    }
    Ok(Exit::Good)
}

/// Every secret, as it stands.
pub(super) fn lines(survey: &Survey, now: Timestamp) -> Vec<Line> {
    let catalogue = Catalogue::product();
    let age_max = |entry: &SecretReport| catalogue.get(entry.name.as_str()).map(|spec| spec.age_max);
    survey.report.secrets.iter().map(|entry| Line::of(entry, age_max(entry), now)).collect()
}

impl Line {
    fn of(entry: &SecretReport, age_max: Option<Duration>, now: Timestamp) -> Self {
        let version = entry.version.as_ref();
        let age = version.and_then(|version| version.age);
        Self {
            name: entry.name.to_string(),
            purpose: entry.purpose,
            source: version.map(|version| version.origin.to_string()),
            grade: version.map(|version| version.grade.to_string()),
            version: version.and_then(lasting_id),
            age_days: age.map(|age| age.as_secs() / DAY_S),
            due: age.zip(age_max).and_then(|(age, age_max)| due(now, age, age_max)),
            is_overdue: version.is_some_and(|version| version.is_overdue),
            hides: version
                .map(|version| version.shadowed.iter().map(Hidden::of).collect())
                .unwrap_or_default(),
            error: entry.error.as_ref().filter(|error| !is_absence(error)).map(ToString::to_string),
        }
    }

    fn standing(&self) -> &'static str {
        match (&self.source, &self.error) {
            (None, None) => "not set",
            (_, Some(_)) => "broken",
            (Some(_), None) if self.is_overdue => "overdue",
            // A value in a later place changes nothing, and whoever rotates it there waits in vain.
            (Some(_), None) if self.hides.iter().any(|hidden| hidden.differs) => "hides another",
            (Some(_), None) => "good",
        }
    }
}

impl Hidden {
    fn of(shadow: &Shadow) -> Self {
        Self { source: shadow.origin.to_string(), differs: shadow.differs }
    }
}

/// A version's id, where its place gave it one: a fingerprint of this process's own means nothing to the next.
fn lasting_id(version: &VersionReport) -> Option<String> {
    (version.origin.kind() == secrets::SourceKind::Aws).then(|| version.id.as_str().to_owned())
}

fn is_absence(error: &secrets::Error) -> bool {
    error.kind() == secrets::ErrorKind::NotFound
}

/// The day, in UTC, on which a secret of this age falls due.
fn due(now: Timestamp, age: Duration, age_max: Duration) -> Option<Date> {
    let left = SignedDuration::try_from(age_max).ok()? - SignedDuration::try_from(age).ok()?;
    Some(now.checked_add(left).ok()?.to_zoned(TimeZone::UTC).date())
}

fn text(lines: &[Line]) -> String {
    let dash = || "-".to_owned();
    let row = |line: &Line| {
        [
            line.name.clone(),
            line.standing().to_owned(),
            line.age_days.map_or_else(dash, |days| days.to_string()),
            line.due.map_or_else(dash, |due| due.to_string()),
            line.source.clone().unwrap_or_else(dash),
        ]
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    table(["NAME", "STANDING", "AGE (DAYS)", "DUE", "SOURCE"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_due_at_its_greatest_age() {
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let days = |days| Duration::from_secs(days * DAY_S);
        // 90 days after 2026-02-19 are 2026-05-20: 9 days of February, 31 of March, 30 of April, 20 of May.
        assert_eq!(due(now, days(10), days(90)), Some(jiff::civil::date(2026, 5, 20)));
        assert_eq!(due(now, days(91), days(90)), Some(jiff::civil::date(2026, 2, 28)));
        assert_eq!(due(now, days(1), Duration::MAX), None);
    }
}
