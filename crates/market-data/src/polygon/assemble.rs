//! One symbol from four calls: bars and name, then filings and news; a refresh within a day asks for bars and news alone.
//! Bars are needed; each other part may fail alone.

use std::sync::Arc;

use domain::{History, PriceBasis, Symbol};
use tokio::time::Instant;

use super::DATA_SOURCE;
use super::bars::FetchedBars;
use super::client::{CallError, Client};
use super::known::{Known, Parts};
use crate::cache::Fetched;
use crate::{Error, Fault, Freshness, Part, Snapshot};

const NOTES: [&str; 2] = [
    "prices are adjusted for splits, not for dividends: returns leave dividends out",
    "per-share figures are as filed: after a later split they do not match the prices",
];

/// What the cache holds of a symbol.
pub(super) struct Kept {
    pub(super) snapshot: Arc<Snapshot>,
    /// When name and filings were asked for: they change a few times a year, bars and news every day.
    reference_at: Instant,
}

/// Fetches everything of `symbol`. A part that fails now and was there before stays as it was.
pub(super) async fn snapshot(
    client: Arc<Client>,
    symbol: Symbol,
    previous: Option<Arc<Kept>>,
) -> Result<Fetched<Kept>, Error> {
    let previous = previous.as_deref();
    let (bars, parts, reference_at) = match previous.filter(|kept| has_young_reference(kept, &client)) {
        Some(kept) => refreshed(&client, symbol, kept).await?,
        None => fetched(&client, symbol).await?,
    };
    let known = Known::of(symbol, parts, previous.map(|kept| &*kept.snapshot));
    build(symbol, bars, known, reference_at, (client.clock)())
}

async fn fetched(client: &Client, symbol: Symbol) -> Result<(FetchedBars, Parts, Instant), Error> {
    let (bars, name) = tokio::join!(Box::pin(client.bars(symbol)), Box::pin(client.name(symbol)));
    let bars = usable(bars?, &name, symbol)?;
    let (filings, news) = tokio::join!(Box::pin(client.filings(symbol)), Box::pin(client.news(symbol)));
    let parts = Parts {
        name: name.map(|name| name.map(Arc::from)),
        filings: filings.map(Arc::from),
        news: news.map(Arc::from),
    };
    Ok((bars, parts, Instant::now()))
}

async fn refreshed(
    client: &Client,
    symbol: Symbol,
    kept: &Kept,
) -> Result<(FetchedBars, Parts, Instant), Error> {
    let (bars, news) = tokio::join!(Box::pin(client.bars(symbol)), Box::pin(client.news(symbol)));
    let Snapshot { name, filings, .. } = &*kept.snapshot;
    let name = Ok(name.clone());
    let bars = usable(bars?, &name, symbol)?;
    Ok((bars, Parts { name, filings: Ok(filings.clone()), news: news.map(Arc::from) }, kept.reference_at))
}

fn has_young_reference(kept: &Kept, client: &Client) -> bool {
    let is_complete = kept.snapshot.missing.iter().all(|missing| missing.part == Part::News);
    is_complete && kept.reference_at.elapsed() < client.config.reference_fresh_for
}

/// Without bars the symbol is unknown when its name is unknown too; else its bars failed us.
fn usable<T>(bars: FetchedBars, name: &Result<T, CallError>, symbol: Symbol) -> Result<FetchedBars, Error> {
    match name {
        _ if !bars.bars.is_empty() => Ok(bars),
        Ok(_) => Err(Error::BadData { symbol, fault: Fault::NoBars }),
        Err(error) => Err(error.clone().about(symbol)),
    }
}

fn build(
    symbol: Symbol,
    fetched: FetchedBars,
    known: Known,
    reference_at: Instant,
    now_unix_ms: i64,
) -> Result<Fetched<Kept>, Error> {
    let FetchedBars { bars, refused, mut quality, .. } = fetched;
    quality.notes.extend(NOTES);
    let history = History::unadjusted(symbol, bars, PriceBasis::Split, refused);
    let as_of = history.as_of().ok_or(Error::BadData { symbol, fault: Fault::NoBars })?;
    let Known { name, filings, news, missing, is_partial } = known;
    let snapshot = Snapshot {
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
    Ok(Fetched { value: Kept { snapshot: Arc::new(snapshot), reference_at }, is_partial })
}
