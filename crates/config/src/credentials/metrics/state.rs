//! Gauges of the state of secrets at the time of a scrape. A removed version disappears from them.

use secrets::{Catalogue, Freshness, SecretReport, Secrets, VersionId};
use telemetry::Clock;
use telemetry::metrics::Scrape;

/// The name and the help text of a metric.
type Metric = (&'static str, &'static str);

const AGE: Metric = ("secret_age_seconds", "Age of the current version, if known");
const ROTATION_DUE: Metric =
    ("secret_rotation_due_seconds", "Time until a secret should be rotated; negative when overdue");
const STALE: Metric = ("secret_stale", "1 if the source of a secret no longer confirms it");
const EXPIRES: Metric = (
    "secret_expires_timestamp_seconds",
    "After a failed refresh, when the last good value of a secret is no longer used, in seconds since 1970",
);
const SHADOWED: Metric = ("secret_shadowed_sources", "Other sources that also have a secret and are ignored");
const PREVIOUS_EXPIRES: Metric =
    ("secret_previous_expires_timestamp_seconds", "When the previous version expires, in seconds since 1970");
const VERSION_INFO: Metric = (
    "secret_version_info",
    "Always 1; the labels show the accepted versions, by their first characters, and their sources",
);

pub(super) fn read(
    scrape: &mut Scrape,
    secrets: &Secrets,
    catalogue: &Catalogue,
) -> Result<(), prometheus::Error> {
    // Operators look at this before they retire a version, so recent uses must be counted.
    secrets.report_usage();
    let (report, now_s) = (secrets.report(), Clock::System.now().as_second() as f64);
    let mut gauges = |metric, value: &dyn Fn(&SecretReport) -> Option<f64>| {
        let secrets = report.secrets.iter();
        let series = secrets.filter_map(|secret| Some(([secret.name.as_str()], value(secret)?)));
        scrape.gauges(metric, ["secret"], series)
    };
    // An unknown age must not look like 0.
    let age_s = |secret: &SecretReport| Some(secret.version.as_ref()?.age?.as_secs_f64());
    gauges(AGE, &age_s)?;
    gauges(ROTATION_DUE, &|secret| {
        Some(catalogue.get(secret.name.as_str())?.age_max.as_secs_f64() - age_s(secret)?)
    })?;
    gauges(STALE, &|secret| {
        let is_stale = matches!(secret.freshness, Freshness::Stale { .. } | Freshness::Expired);
        Some(f64::from(u8::from(is_stale)))
    })?;
    gauges(EXPIRES, &|secret| Some(now_s + secret.expires_in?.as_secs_f64().round()))?;
    gauges(SHADOWED, &|secret| {
        Some(secret.version.as_ref().map_or(0, |version| version.shadowed.len()) as f64)
    })?;
    gauges(PREVIOUS_EXPIRES, &|secret| {
        Some(now_s + secret.version.as_ref()?.previous_left?.as_secs_f64().round())
    })?;
    let versions = report.secrets.iter().flat_map(versions).map(|labels| (labels, 1.0));
    scrape.gauges(VERSION_INFO, ["secret", "version", "stage", "source"], versions)
}

/// The labels of each accepted version.
fn versions(secret: &SecretReport) -> Vec<[String; 4]> {
    let Some(version) = &secret.version else { return Vec::new() };
    let accepted = [
        ("current", Some(&version.id)),
        ("pending", version.pending.as_ref()),
        ("previous", version.previous.as_ref()),
    ];
    let source = version.origin.kind().as_str();
    let labels = |(stage, id): (&str, Option<&VersionId>)| {
        Some([secret.name.to_string(), id?.to_string(), stage.to_owned(), source.to_owned()])
    };
    accepted.into_iter().filter_map(labels).collect()
}
