//! Daily bars, from pages of the vendor to bars by exchange date and refused rows.

use domain::{Bars, Date, RawBar, Symbol};
use outbound::BaseUrl;
use reqwest::Url;

use super::client::CallError;
use super::fetch::Fetch;
use super::wire::{Aggregate, Aggregates};
use crate::{Error, Fault, RefusedRow, RowFault, RowLocation};

/// Most pages that are followed; with 50,000 bars a page, the first holds two centuries of days.
const PAGES_MAX: usize = 10;
/// Most bars of all pages together.
const BARS_MAX: usize = 50_000;
/// Rows per page: the vendor's maximum.
const PAGE_ROWS: &str = "50000";

const HOUR_MS: i64 = 3_600_000;
/// New York is 4 hours behind UTC in summer and 5 in winter.
const SUMMER_OFFSET_S: i32 = -4 * 3_600;
const SUMMER_MIDNIGHT_UTC_MS: i64 = 4 * HOUR_MS;
const WINTER_MIDNIGHT_UTC_MS: i64 = 5 * HOUR_MS;

#[derive(Debug, Default)]
pub(super) struct FetchedBars {
    pub(super) bars: Bars,
    pub(super) refused: Vec<RefusedRow>,
    /// When the vendor sent the oldest page.
    pub(super) fetched_at_ms: i64,
}

impl Fetch {
    /// Daily bars up to today, possibly none.
    pub(super) async fn bars(&self, symbol: Symbol) -> Result<FetchedBars, Error> {
        self.all_pages(symbol).await.map_err(|error| error.for_symbol(symbol))
    }

    async fn all_pages(&self, symbol: Symbol) -> Result<FetchedBars, CallError> {
        let (mut rows, mut fetched_at_ms) = (Vec::new(), i64::MAX);
        let mut next = Some(self.first_page(symbol)?);
        for _ in 0..PAGES_MAX {
            let Some(url) = next.take() else { return Ok(FetchedBars::from_rows(&rows, fetched_at_ms)) };
            let is_useful = |page: &Aggregates| {
                check(page, symbol)?;
                Ok(page.results.as_ref().is_some_and(|rows| !rows.is_empty()))
            };
            let response = self.get(url, is_useful).await?;
            fetched_at_ms = fetched_at_ms.min(response.fetched_at_ms);
            let page: Aggregates = response.value;
            next = page.next_url.map(|next| next_page(self.client.base_url(), &next)).transpose()?;
            rows.extend(page.results.unwrap_or_default());
            if rows.len() > BARS_MAX {
                return Err(CallError::Bad(Fault::TooManyRows { limit_rows: BARS_MAX }));
            }
        }
        match next {
            None => Ok(FetchedBars::from_rows(&rows, fetched_at_ms)),
            Some(_) => Err(CallError::Bad(Fault::TooManyPages { limit_pages: PAGES_MAX })),
        }
    }

    fn first_page(&self, symbol: Symbol) -> Result<Url, CallError> {
        // The clock is an argument: a date out of range counts as bad data, without a panic.
        let today = Date::from_unix_ms((self.client.clock)(), SUMMER_OFFSET_S)
            .map_err(|_| CallError::Bad(Fault::NotAsDocumented))?;
        let (from, to) = (today.minus_days(self.client.config.history_days).to_string(), today.to_string());
        let path = ["v2", "aggs", "ticker", symbol.as_str(), "range", "1", "day", &from, &to];
        Ok(self.client.url(&path, &[("adjusted", "true"), ("sort", "asc"), ("limit", PAGE_ROWS)]))
    }
}

/// Refuses a page about another symbol, or without the adjustment that was requested.
fn check(page: &Aggregates, symbol: Symbol) -> Result<(), CallError> {
    if page.ticker.as_deref().is_some_and(|ticker| ticker != symbol.as_str()) {
        return Err(CallError::Bad(Fault::OtherSymbol));
    }
    if page.adjusted == Some(false) {
        return Err(CallError::Bad(Fault::NotAsDocumented));
    }
    Ok(())
}

/// The URL of the next page, if the key may be sent to it.
fn next_page(base_url: &BaseUrl, next: &str) -> Result<Url, CallError> {
    let next = Url::parse(next).map_err(|_| CallError::Bad(Fault::NotAsDocumented))?;
    if base_url.is_origin_of(&next) { Ok(next) } else { Err(CallError::Bad(Fault::ForeignPage)) }
}

impl FetchedBars {
    fn from_rows(rows: &[Aggregate], fetched_at_ms: i64) -> Self {
        let (mut bars, mut positions, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        let mut refuse = |position, date, reason| {
            refused.push(RefusedRow { location: RowLocation::Position { position }, date, reason });
        };
        for (position, row) in rows.iter().enumerate() {
            match bar(row) {
                Err(fault) => refuse(position, None, fault),
                Ok(bar) => {
                    bars.push(bar);
                    positions.push(position);
                }
            }
        }
        let (bars, of_bars) = Bars::from_raw(bars);
        of_bars
            .iter()
            .for_each(|bar| refuse(positions[bar.position], Some(bar.date), RowFault::Bar(bar.reason)));
        Self { bars, refused, fetched_at_ms }
    }
}

fn bar(row: &Aggregate) -> Result<RawBar, RowFault> {
    let missing = RowFault::MissingField;
    Ok(RawBar {
        date: exchange_date(row.t.ok_or(missing)?)?,
        open: row.o.ok_or(missing)?,
        high: row.h.ok_or(missing)?,
        low: row.l.ok_or(missing)?,
        close: row.c.ok_or(missing)?,
        volume: row.v.ok_or(missing)?,
    })
}

/// A daily bar begins at midnight in New York, 04:00 or 05:00 UTC; the summer offset gives the right day for both.
fn exchange_date(start_unix_ms: i64) -> Result<Date, RowFault> {
    match start_unix_ms.rem_euclid(24 * HOUR_MS) {
        SUMMER_MIDNIGHT_UTC_MS | WINTER_MIDNIGHT_UTC_MS => {
            Date::from_unix_ms(start_unix_ms, SUMMER_OFFSET_S).map_err(|_| RowFault::NotADate)
        }
        _ => Err(RowFault::NotMidnight),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn midnight_in_new_york_is_the_exchange_date_in_summer_and_winter() {
        // date -d 2013-03-01T05:00:00Z +%s, and 2013-07-01T04:00:00Z.
        assert_eq!(exchange_date(1_362_114_000_000), Ok("2013-03-01".parse().unwrap()));
        assert_eq!(exchange_date(1_372_651_200_000), Ok("2013-07-01".parse().unwrap()));
        assert_eq!(exchange_date(1_362_114_000_001), Err(RowFault::NotMidnight));
        assert_eq!(exchange_date(1_362_096_000_000), Err(RowFault::NotMidnight), "midnight UTC");
        assert!(exchange_date(i64::MAX).is_err() && exchange_date(i64::MIN).is_err());
    }

    #[test]
    fn next_pages_must_have_the_configured_scheme_host_and_port() {
        let base_url: BaseUrl = "https://api.massive.com".parse().unwrap();
        for (next, is_followed) in [
            ("https://api.massive.com/v2/aggs?cursor=abc", true),
            ("https://api.massive.com:443/v2/aggs?cursor=abc", true),
            ("http://api.massive.com/v2/aggs", false),
            ("https://api.massive.com:8443/v2/aggs", false),
            ("https://api.massive.com.evil.example/v2/aggs", false),
            ("https://api.massive.com@evil.example/v2/aggs", false),
            ("https://key:word@api.massive.com/v2/aggs", false),
            ("//evil.example/v2/aggs", false),
            ("/v2/aggs", false),
        ] {
            assert_eq!(next_page(&base_url, next).is_ok(), is_followed, "{next}");
        }
    }
}
