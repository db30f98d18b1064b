//! What is known of a symbol beside its bars: each part new, kept from before, or missing with its reason.

use std::sync::Arc;

use domain::{Filing, NewsItem, Symbol};

use super::client::CallError;
use crate::{Missing, Part, Snapshot};

/// What came for each part.
pub(super) struct Parts {
    pub(super) name: Result<Option<Arc<str>>, CallError>,
    pub(super) filings: Result<Arc<[Filing]>, CallError>,
    pub(super) news: Result<Arc<[NewsItem]>, CallError>,
}

/// What goes into the snapshot.
pub(super) struct Known {
    pub(super) name: Option<Arc<str>>,
    pub(super) filings: Arc<[Filing]>,
    pub(super) news: Option<Arc<[NewsItem]>>,
    pub(super) missing: Vec<Missing>,
    /// Whether another try soon may bring more.
    pub(super) is_partial: bool,
}

impl Known {
    /// The parts that came; for those that failed, the ones of `previous`, where it had them.
    pub(super) fn of(symbol: Symbol, parts: Parts, previous: Option<&Snapshot>) -> Self {
        let Parts { name, filings, news } = parts;
        let had =
            |part| previous.filter(|previous| previous.missing.iter().all(|missing| missing.part != part));
        let mut tally = Tally { symbol, missing: Vec::new(), is_partial: false };
        let old_name = had(Part::Details).map(|previous| previous.name.clone());
        let name = tally.part(Part::Details, name, old_name);
        let old_filings = had(Part::Financials).map(|previous| previous.filings.clone());
        let filings = tally.part(Part::Financials, filings, old_filings);
        let old_news = had(Part::News).and_then(|previous| previous.news.clone());
        let news = tally.part(Part::News, news, old_news);
        Self {
            name: name.flatten(),
            filings: filings.unwrap_or_else(|| Arc::new([])),
            news,
            missing: tally.missing,
            is_partial: tally.is_partial,
        }
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
