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
    let mut missing = Missed { symbol, failed: Vec::new(), is_worth_another_try: false };
    let Parts { name, filings, news } = parts;
    let name = missing.unless(Part::Details, name.map(|name| name.map(Arc::from)));
    let filings = missing.unless(Part::Financials, filings.map(Arc::<[Filing]>::from));
    let news = missing.unless(Part::News, news.map(Arc::<[NewsItem]>::from));
    let name = name.unwrap_or_else(|| previous.and_then(|previous| previous.name.clone()));
    let kept = |part| previous.filter(|previous| previous.missing.iter().all(|missing| missing.part != part));
    let filings = filings.or_else(|| kept(Part::Financials).map(|previous| previous.filings.clone()));
    let news = news.or_else(|| kept(Part::News).and_then(|previous| previous.news.clone()));
    missing.failed.retain(|missing| match missing.part {
        Part::Details => name.is_none(),
        Part::Financials => filings.is_none(),
        Part::News => news.is_none(),
    });
    let filings = filings.unwrap_or_else(|| Arc::new([]));
    let version = Snapshot::version_of(&history, name.as_deref(), &filings, news.as_deref(), &missing.failed);
    let snapshot = Snapshot {
        history: Arc::new(history),
        name,
        filings,
        news,
        missing: missing.failed.into(),
        quality: Arc::new(quality),
        data_source: DATA_SOURCE,
        as_of,
        fetched_at_unix_ms: Some(now_unix_ms),
        freshness: Freshness::Fresh,
        version,
    };
    Ok(Fetched { value: snapshot, is_partial: missing.is_worth_another_try })
}

/// The parts that failed in this fetch.
struct Missed {
    symbol: Symbol,
    failed: Vec<Missing>,
    is_worth_another_try: bool,
}

impl Missed {
    /// The part, or a note that it is missing. What the vendor does not have (404) or the plan does not include is not
    /// worth asking for again soon.
    fn unless<T>(&mut self, part: Part, outcome: Result<T, CallError>) -> Option<T> {
        let error = match outcome {
            Ok(value) => return Some(value),
            Err(CallError::NotFound) => None,
            Err(error) => Some(error.about(self.symbol)),
        };
        self.is_worth_another_try |= error.as_ref().is_some_and(|error| error.retry_after_s().is_some());
        self.failed.push(Missing { part, error });
        None
    }
}
