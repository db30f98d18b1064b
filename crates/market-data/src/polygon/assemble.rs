//! One symbol from four calls: bars and name, then filings and news. Bars are needed; each other part may fail alone.

use std::sync::Arc;

use domain::{Filing, History, NewsItem, PriceBasis, Symbol};

use super::DATA_SOURCE;
use super::bars::FetchedBars;
use super::client::{CallError, Client};
use crate::cache::Fetched;
use crate::{Error, Fault, Freshness, Missing, Part, Snapshot};

const NOTES: [&str; 2] = [
    "prices are adjusted for splits, not for dividends: returns leave dividends out",
    "per-share figures are as filed: after a later split they do not match the prices",
];

/// What came for each part.
struct Parts {
    name: Result<Option<String>, CallError>,
    filings: Result<Vec<Filing>, CallError>,
    news: Result<Vec<NewsItem>, CallError>,
}

/// Fetches everything of `symbol`. A part that fails now and was in `previous` stays as it was.
pub(super) async fn snapshot(
    client: Arc<Client>,
    symbol: Symbol,
    previous: Option<Arc<Snapshot>>,
) -> Result<Fetched<Snapshot>, Error> {
    let (bars, name) = tokio::join!(Box::pin(client.bars(symbol)), Box::pin(client.name(symbol)));
    let bars = usable(bars?, &name, symbol)?;
    let (filings, news) = tokio::join!(Box::pin(client.filings(symbol)), Box::pin(client.news(symbol)));
    let now_unix_ms = (client.clock)();
    build(symbol, bars, Parts { name, filings, news }, previous.as_deref(), now_unix_ms)
}

/// Without bars the symbol is unknown when its name is unknown too; else its bars failed us.
fn usable(
    bars: FetchedBars,
    name: &Result<Option<String>, CallError>,
    symbol: Symbol,
) -> Result<FetchedBars, Error> {
    match name {
        _ if !bars.bars.is_empty() => Ok(bars),
        Ok(_) => Err(Error::BadData { symbol, fault: Fault::NoBars }),
        Err(error) => Err(error.clone().about(symbol)),
    }
}

fn build(
    symbol: Symbol,
    fetched: FetchedBars,
    parts: Parts,
    previous: Option<&Snapshot>,
    now_unix_ms: i64,
) -> Result<Fetched<Snapshot>, Error> {
    let FetchedBars { bars, refused, mut quality, .. } = fetched;
    quality.notes.extend(NOTES);
    let history = History::unadjusted(symbol, bars, PriceBasis::Split, refused);
    let as_of = history.as_of().ok_or(Error::BadData { symbol, fault: Fault::NoBars })?;
    let Known { name, filings, news, missing, is_partial } = known(symbol, parts, previous);
    let value = Snapshot {
        version: Snapshot::version_of(&history, name.as_deref(), &filings, news.as_deref(), &missing),
        history: Arc::new(history),
        name,
        filings,
        news,
        missing: missing.into(),
        quality: Arc::new(quality),
        data_source: DATA_SOURCE,
        as_of,
        fetched_at_unix_ms: Some(now_unix_ms),
        freshness: Freshness::Fresh,
    };
    Ok(Fetched { value, is_partial })
}

/// What is known beside the bars.
struct Known {
    name: Option<Arc<str>>,
    filings: Arc<[Filing]>,
    news: Option<Arc<[NewsItem]>>,
    missing: Vec<Missing>,
    is_partial: bool,
}

fn known(symbol: Symbol, parts: Parts, previous: Option<&Snapshot>) -> Known {
    let Parts { name, filings, news } = parts;
    let had = |part| previous.filter(|previous| previous.missing.iter().all(|missing| missing.part != part));
    let mut tally = Tally { symbol, missing: Vec::new(), is_partial: false };
    let old_name = had(Part::Details).map(|previous| previous.name.clone());
    let name = tally.part(Part::Details, name.map(|name| name.map(Arc::from)), old_name);
    let old_filings = had(Part::Financials).map(|previous| previous.filings.clone());
    let filings = tally.part(Part::Financials, filings.map(Arc::from), old_filings);
    let old_news = had(Part::News).and_then(|previous| previous.news.clone());
    let news = tally.part(Part::News, news.map(Arc::from), old_news);
    Known {
        name: name.flatten(),
        filings: filings.unwrap_or_else(|| Arc::new([])),
        news,
        missing: tally.missing,
        is_partial: tally.is_partial,
    }
}

/// Counts up what is missing.
struct Tally {
    symbol: Symbol,
    missing: Vec<Missing>,
    is_partial: bool,
}

impl Tally {
    /// The new part, else the old one, else none and a note why. What the vendor does not have (404) or the plan does not
    /// include is not worth asking for again soon.
    fn part<T>(&mut self, part: Part, new: Result<T, CallError>, old: Option<T>) -> Option<T> {
        let error = match new {
            Ok(value) => return Some(value),
            Err(CallError::NotFound) => None,
            Err(error) => Some(error.about(self.symbol)),
        };
        self.is_partial |= error.as_ref().is_some_and(|error| error.retry_after_s().is_some());
        if old.is_none() {
            self.missing.push(Missing { part, error });
        }
        old
    }
}
