//! What the fake is to do on each route, and what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, Method, Uri};

/// Two of them differ in case alone, as at the vendor: a common and a preferred share.
const SYMBOLS: [&str; 8] = ["AAPL", "AMPB", "AMpB", "FB", "GOOG", "IBM", "MSFT", "SPY"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route {
    Bars,
    Details,
    Financials,
    News,
    MarketStatus,
    Other,
}

impl Route {
    pub const ALL: [Self; 6] =
        [Self::Bars, Self::Details, Self::Financials, Self::News, Self::MarketStatus, Self::Other];
}

#[derive(Clone, Debug, Default, PartialEq)]
pub enum Behaviour {
    #[default]
    Documented,
    /// This status, with the vendor's error body, which quotes the key.
    Status(u16),
    /// 429, with `Retry-After` or without.
    Limited { retry_after_s: Option<u64> },
    /// The documented response, cut in its middle.
    Truncated,
    /// 200 with a body that is not JSON.
    Garbage,
    /// The documented response after this wait.
    Stall(Duration),
    /// `results: []`.
    EmptyResults,
    /// No `results`.
    MissingResults,
    /// Bars: the second newest comes last, and one comes twice.
    OutOfOrderAndDuplicate,
    /// Bars: one price is null, one bar begins at noon.
    BadBars,
    /// Bars in two pages.
    TwoPages,
    /// A next page after every page.
    EndlessPages,
    /// Bars with this as `next_url`.
    NextUrl(String),
    /// Bars after a 2:1 split: half the price, twice the volume.
    AfterSplit,
    /// Bars of another ticker.
    OtherTicker,
    /// 302 to this location.
    Redirect(String),
    /// A body of so many bytes, with `Content-Length` or without.
    Huge { size_bytes: u64, is_announced: bool },
}

#[derive(Clone, Debug)]
pub struct Head {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
}

#[derive(Default)]
pub(super) struct Script {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    always: BTreeMap<Route, Behaviour>,
    next: BTreeMap<Route, VecDeque<Behaviour>>,
    calls: BTreeMap<Route, usize>,
    heads: Vec<Head>,
    delay: Duration,
    accepted_keys: Option<Vec<String>>,
    knows_all: bool,
    limit: Option<Limit>,
}

struct Limit {
    calls: usize,
    window: Duration,
    retry_after_s: Option<u64>,
    seen: VecDeque<Instant>,
}

impl Script {
    pub(super) fn always(&self, route: Route, behaviour: Behaviour) {
        self.lock().always.insert(route, behaviour);
    }

    pub(super) fn next(&self, route: Route, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.lock().next.entry(route).or_default().extend(behaviours);
    }

    pub(super) fn limit(&self, calls: usize, window: Duration, retry_after_s: Option<u64>) {
        self.lock().limit = Some(Limit { calls, window, retry_after_s, seen: VecDeque::new() });
    }

    pub(super) fn delay(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    pub(super) fn accept_keys(&self, keys: &[&str]) {
        self.lock().accepted_keys = Some(keys.iter().map(|key| (*key).to_owned()).collect());
    }

    pub(super) fn know_all(&self) {
        self.lock().knows_all = true;
    }

    pub(super) fn calls(&self, route: Route) -> usize {
        self.lock().calls.get(&route).copied().unwrap_or_default()
    }

    pub(super) fn heads(&self) -> Vec<Head> {
        self.lock().heads.clone()
    }

    pub(super) fn knows(&self, symbol: &str) -> bool {
        self.lock().knows_all || SYMBOLS.contains(&symbol)
    }

    pub(super) fn accepts(&self, key: &str) -> bool {
        self.lock().accepted_keys.as_ref().is_none_or(|keys| keys.iter().any(|accepted| accepted == key))
    }

    /// Records a request and returns the delay and behaviour of its response.
    pub(super) fn record(&self, route: Route, head: Head) -> (Duration, Behaviour) {
        let mut state = self.lock();
        *state.calls.entry(route).or_default() += 1;
        state.heads.push(head);
        let delay = state.delay;
        if let Some(limited) = state.limit.as_mut().and_then(Limit::exceeded) {
            return (delay, limited);
        }
        let next = state.next.get_mut(&route).and_then(VecDeque::pop_front);
        let behaviour = next.or_else(|| state.always.get(&route).cloned()).unwrap_or_default();
        (delay, behaviour)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds the lock")
    }
}

impl Limit {
    fn exceeded(&mut self) -> Option<Behaviour> {
        let now = Instant::now();
        self.seen.retain(|at| now - *at < self.window);
        if self.seen.len() >= self.calls {
            return Some(Behaviour::Limited { retry_after_s: self.retry_after_s });
        }
        self.seen.push_back(now);
        None
    }
}
