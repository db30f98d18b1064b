//! Name, filings and news of a symbol: each new, kept from the previous snapshot, or absent with its reason.

use std::sync::Arc;

use domain::{Filing, NewsItem, Symbol};

use super::client::CallError;
use crate::{AbsentPart, Part, Snapshot};

/// The outcome of fetching each part.
pub(super) struct FetchedParts {
    pub(super) name: Result<Option<Arc<str>>, CallError>,
    pub(super) filings: Result<Arc<[Filing]>, CallError>,
    pub(super) news: Result<Arc<[NewsItem]>, CallError>,
}

/// The parts of the new snapshot.
pub(super) struct MergedParts {
    pub(super) name: Option<Arc<str>>,
    pub(super) filings: Arc<[Filing]>,
    pub(super) news: Option<Arc<[NewsItem]>>,
    pub(super) missing: Vec<AbsentPart>,
    /// Whether another fetch should follow soon.
    pub(super) is_partial: bool,
}

impl MergedParts {
    /// Uses each fetched part, or the part of `previous` if its fetch failed.
    pub(super) fn merge(symbol: Symbol, parts: FetchedParts, previous: Option<&Snapshot>) -> Self {
        let FetchedParts { name, filings, news } = parts;
        let of_previous =
            |part| previous.filter(|previous| previous.missing.iter().all(|missing| missing.part != part));
        let mut merge = Merge { symbol, missing: Vec::new(), is_partial: false };
        let old_name = of_previous(Part::Details).map(|previous| previous.name.clone());
        let name = merge.part(Part::Details, name, old_name);
        let old_filings = of_previous(Part::Financials).map(|previous| previous.filings.clone());
        let filings = merge.part(Part::Financials, filings, old_filings);
        let old_news = of_previous(Part::News).and_then(|previous| previous.news.clone());
        let news = merge.part(Part::News, news, old_news);
        Self {
            name: name.flatten(),
            filings: filings.unwrap_or_else(|| Arc::new([])),
            news,
            missing: merge.missing,
            is_partial: merge.is_partial,
        }
    }
}

struct Merge {
    symbol: Symbol,
    missing: Vec<AbsentPart>,
    is_partial: bool,
}

impl Merge {
    /// The new part, else the old one, else `None` and an entry in `missing`. A part that the vendor does not have (404) or
    /// the plan does not include is not fetched again soon.
    fn part<T>(&mut self, part: Part, new: Result<T, CallError>, old: Option<T>) -> Option<T> {
        let error = match new {
            Ok(value) => return Some(value),
            Err(CallError::NotFound) => None,
            Err(error) => Some(error.for_symbol(self.symbol)),
        };
        self.is_partial |= error.as_ref().is_some_and(|error| error.retry_after_s().is_some());
        if old.is_none() {
            self.missing.push(AbsentPart { part, error });
        }
        old
    }
}
