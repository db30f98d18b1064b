//! Fetches a symbol with four calls: bars and name, then filings and news; a refresh within a day fetches only bars and
//! news. Bars are required; each other part may be missing.

use std::sync::Arc;

use domain::{History, PriceBasis, Symbol};
use tokio::time::Instant;

use super::DATA_SOURCE;
use super::bars::FetchedBars;
use super::client::{CallError, Client};
use super::fetch::Fetch;
use super::parts::{FetchedParts, MergedParts};
use crate::cache::FetchedValue;
use crate::{Error, Fault, Freshness, Part, Quality, Snapshot};

const NOTES: [&str; 2] = [
    "prices are adjusted for splits, not for dividends: returns leave dividends out",
    "per-share figures are as filed: after a later split they do not match the prices",
];

/// The cached data of a symbol.
pub(super) struct CacheEntry {
    pub(super) snapshot: Arc<Snapshot>,
    /// Time at which name and filings were fetched: they change a few times a year, bars and news every day.
    reference_at: Instant,
}

/// Fetches all data of `symbol`. A part whose fetch fails keeps its previous value.
pub(super) async fn snapshot(
    client: Arc<Client>,
    symbol: Symbol,
    previous: Option<Arc<CacheEntry>>,
) -> Result<FetchedValue<CacheEntry>, Error> {
    let previous = previous.as_deref();
    let has_young = |entry: &&CacheEntry| has_young_reference(entry, &client);
    let (entry, fetch) = (previous.filter(has_young), Fetch::new(Arc::clone(&client), &client.config.cache));
    let (bars, parts, reference_at) = match entry {
        Some(entry) => fetch_changing(&fetch, symbol, entry).await?,
        None => fetch_all(&fetch, symbol).await?,
    };
    let merged = MergedParts::merge(symbol, parts, previous.map(|entry| &*entry.snapshot));
    build(symbol, bars, merged, reference_at, &fetch)
}

async fn fetch_all(fetch: &Fetch, symbol: Symbol) -> Result<(FetchedBars, FetchedParts, Instant), Error> {
    let (bars, name) = tokio::join!(Box::pin(fetch.bars(symbol)), Box::pin(fetch.name(symbol)));
    let bars = usable(bars?, &name, symbol)?;
    let (filings, news) = tokio::join!(Box::pin(fetch.filings(symbol)), Box::pin(fetch.news(symbol)));
    let parts = FetchedParts {
        name: name.map(|name| name.map(Arc::from)),
        filings: filings.map(Arc::from),
        news: news.map(Arc::from),
    };
    Ok((bars, parts, Instant::now()))
}

async fn fetch_changing(
    fetch: &Fetch,
    symbol: Symbol,
    entry: &CacheEntry,
) -> Result<(FetchedBars, FetchedParts, Instant), Error> {
    let (bars, news) = tokio::join!(Box::pin(fetch.bars(symbol)), Box::pin(fetch.news(symbol)));
    let Snapshot { name, filings, .. } = &*entry.snapshot;
    let name = Ok(name.clone());
    let bars = usable(bars?, &name, symbol)?;
    Ok((
        bars,
        FetchedParts { name, filings: Ok(filings.clone()), news: news.map(Arc::from) },
        entry.reference_at,
    ))
}

fn has_young_reference(entry: &CacheEntry, client: &Client) -> bool {
    let is_complete = entry.snapshot.missing.iter().all(|missing| missing.part == Part::News);
    is_complete && entry.reference_at.elapsed() < client.config.reference_fresh_for
}

/// A symbol without bars is unknown if its name is unknown too; otherwise its bars are bad data.
fn usable<T>(bars: FetchedBars, name: &Result<T, CallError>, symbol: Symbol) -> Result<FetchedBars, Error> {
    match name {
        _ if !bars.bars.is_empty() => Ok(bars),
        Ok(_) => Err(Error::BadData { symbol, fault: Fault::NoBars }),
        Err(error) => Err(error.clone().for_symbol(symbol)),
    }
}

fn build(
    symbol: Symbol,
    fetched: FetchedBars,
    merged: MergedParts,
    reference_at: Instant,
    fetch: &Fetch,
) -> Result<FetchedValue<CacheEntry>, Error> {
    let FetchedBars { bars, refused, fetched_at_ms } = fetched;
    let quality = Quality::new(refused, NOTES);
    let history = History::unadjusted(symbol, bars, PriceBasis::Split);
    let as_of = history.as_of().ok_or(Error::BadData { symbol, fault: Fault::NoBars })?;
    let MergedParts { name, filings, news, missing, is_partial } = merged;
    let snapshot = Snapshot {
        version: Snapshot::compute_version(&history, name.as_deref(), &filings, news.as_deref(), &missing),
        history: Arc::new(history),
        name,
        filings,
        news,
        missing: missing.into(),
        quality: Arc::new(quality),
        mapping: None,
        data_source: DATA_SOURCE,
        as_of,
        fetched_at_unix_ms: Some(fetched_at_ms),
        freshness: Freshness::Fresh,
    };
    // What another replica had fetched before is replaced with the next fetch.
    let outdated = Instant::now().checked_sub(fetch.client.config.reference_fresh_for);
    let reference_at = outdated.filter(|_| fetch.has_stale()).unwrap_or(reference_at);
    let value = CacheEntry { snapshot: Arc::new(snapshot), reference_at };
    Ok(FetchedValue { value, is_partial: is_partial || fetch.has_stale(), age: fetch.age(fetched_at_ms) })
}
