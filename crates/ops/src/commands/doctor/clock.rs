//! The clock: synchronized by NTP, and about as late as the clock of another machine.

use std::time::Duration;

use config::check::Finding;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use outbound::{BaseUrl, Proxy};
use reqwest::header::DATE;
use secrets::rotation::MARGIN;
use telemetry::with_causes;

use super::program::{self, ProgramError};
use super::{error, warning};

const TIMEOUT: Duration = Duration::from_secs(10);
const SYNCHRONIZE: &str = "timedatectl set-ntp true";

/// Whether the kernel's clock is synchronized, by whatever program.
pub(super) async fn synchronization() -> Option<Finding> {
    from_answer(&program::output("timedatectl", &["show", "--property", "NTPSynchronized", "--value"]).await)
}

fn from_answer(answer: &Result<String, ProgramError>) -> Option<Finding> {
    match answer.as_deref() {
        Ok("yes") => None,
        Ok(_) => {
            let message = "is not synchronized by NTP: signatures and tokens would be rejected";
            Some(error("clock", "clock", message, SYNCHRONIZE))
        }
        Err(cause) => {
            let message = format!("timedatectl does not say whether it is synchronized: {cause}");
            Some(warning("clock", "clock", message, SYNCHRONIZE))
        }
    }
}

/// Compares the clock with the header `Date` of a response.
pub(super) async fn skew(url: &BaseUrl, proxy: &Proxy, now: impl Fn() -> Timestamp) -> Option<Finding> {
    match date(url, proxy).await {
        Ok(date) => from_date(date, now()),
        Err(cause) => {
            let message = format!("cannot be compared with that of {url}: {cause}");
            Some(warning("clock_skew", "clock", message, format!("curl --head {url}")))
        }
    }
}

async fn date(url: &BaseUrl, proxy: &Proxy) -> Result<Timestamp, String> {
    let client =
        outbound::client_builder(TIMEOUT, proxy).timeout(TIMEOUT).https_only(url.is_encrypted()).build();
    let client = client.map_err(|error| with_causes(&error))?;
    let response =
        client.head(url.to_url()).send().await.map_err(|error| with_causes(&error.without_url()))?;
    let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| rfc2822::parse(date).ok());
    date.map(|date| date.timestamp()).ok_or_else(|| "the response has no valid date".to_owned())
}

fn from_date(date: Timestamp, now: Timestamp) -> Option<Finding> {
    let seconds = now.duration_since(date).as_secs();
    let direction = if seconds > 0 { "ahead" } else { "behind" };
    (seconds.unsigned_abs() > MARGIN.as_secs()).then(|| {
        let message = format!("is {} s {direction}, and {} s are allowed", seconds.abs(), MARGIN.as_secs());
        error("clock_skew", "clock", message, SYNCHRONIZE)
    })
}

#[cfg(test)]
mod tests {
    use config::check::Severity;

    use super::*;

    #[test]
    fn only_a_synchronized_clock_is_fine() {
        let severity = |answer| from_answer(&answer).map(|finding| finding.severity());
        assert_eq!(severity(Ok("yes".to_owned())), None);
        assert_eq!(severity(Ok("no".to_owned())), Some(Severity::Error));
        assert_eq!(severity(Err(ProgramError::NotInstalled)), Some(Severity::Warning));
    }

    #[test]
    fn half_a_minute_is_allowed_either_way() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        for (now, is_found) in [(0, false), (30, false), (31, true), (-30, false), (-31, true)] {
            assert_eq!(from_date(at(0), at(now)).is_some(), is_found, "{now}");
        }
        let behind = from_date(at(0), at(-90)).unwrap();
        assert!(format!("{behind:?}").contains("is 90 s behind"), "{behind:?}");
    }
}
