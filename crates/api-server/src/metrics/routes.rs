//! Requests by route, method and status. What alerts look at exists at zero from the start, since a counter that begins at
//! its first failure hides that one from every rate: successes, and failures of ours. Everything else begins when it first
//! happens; there is no more of it than routes, methods and statuses of ours.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

use super::Declare;

/// The route of requests whose path is none of ours, and of those that were refused before routing.
pub const UNMATCHED: &str = "unmatched";
/// The method of requests whose method the route does not serve, and the status of answers that have no place below.
const OTHER: &str = "other";

/// Statuses that are counted one by one; a client can bring about no others.
const STATUSES: [u16; 20] =
    [200, 204, 304, 400, 401, 403, 404, 405, 406, 408, 409, 413, 414, 415, 422, 429, 431, 500, 502, 503];
/// Those of a method that its route serves, at zero from the start. Refusals of what clients do wrong are not among them:
/// alerts on those look at families of their own, such as `auth_failures_total`.
const SERVED: &[u16] = &[200, 500, 503];
/// The same where a data vendor stands behind the route.
const SERVED_OF_VENDOR: &[u16] = &[200, 500, 502, 503];
/// Those of requests that reach no route.
const NOT_ROUTED: &[u16] = &[404, 500, 503];

/// Where the counter of a status lies; the last place is that of all others.
fn place(status: u16) -> usize {
    const PLACES: [u8; 504] = {
        let mut places = [STATUSES.len() as u8; 504];
        let mut place = 0;
        while place < STATUSES.len() {
            places[STATUSES[place] as usize] = place as u8;
            place += 1;
        }
        places
    };
    PLACES.get(usize::from(status)).map_or(STATUSES.len(), |place| usize::from(*place))
}

/// Whether answers of this route are made of a vendor's data.
fn asks_vendor(path: &str) -> bool {
    ["/api/analyze/", "/api/bars/", "/api/indicators/", "/api/symbols/"]
        .iter()
        .any(|begin| path.starts_with(begin))
}

/// The counters of every route.
#[derive(Debug)]
pub struct Routes {
    by_path: HashMap<String, Methods>,
    unmatched: Child,
}

/// The counters of one route: few methods, so a scan is faster than a map.
#[derive(Debug)]
struct Methods {
    served: Vec<(Method, Child)>,
    other: Child,
}

/// The counters of one route and method.
#[derive(Debug)]
pub struct Child {
    /// Filled at the start for what is expected, and at the first answer for what is not.
    by_status: [OnceLock<IntCounter>; STATUSES.len() + 1],
    /// Begins with the first answer: a histogram of nothing tells nothing, in fifteen series.
    duration: OnceLock<Histogram>,
    requests: IntCounterVec,
    durations: HistogramVec,
    route: String,
    method: String,
}

impl Routes {
    pub(super) fn new<'a>(
        declare: &Declare<'_>,
        routes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, prometheus::Error> {
        let (requests, durations) = declare.by_route()?;
        let child = |route: &str, method: &str, expected: &[u16]| {
            let child = Child::new(&requests, &durations, route, method);
            for status in expected {
                child.counter(place(*status));
            }
            child
        };
        let mut by_path: HashMap<String, Methods> = HashMap::new();
        for (method, path) in routes {
            let other = || Methods { served: Vec::new(), other: child(path, OTHER, &[]) };
            let methods = by_path.entry(path.to_owned()).or_insert_with(other);
            if let Ok(parsed) = method.parse() {
                let expected = if asks_vendor(path) { SERVED_OF_VENDOR } else { SERVED };
                methods.served.push((parsed, child(path, method, expected)));
            }
        }
        let unmatched = child(UNMATCHED, OTHER, NOT_ROUTED);
        // One of them is always there, so that the family is.
        unmatched.timed();
        Ok(Self { by_path, unmatched })
    }

    /// The counters of a request; `route` is the matched pattern.
    #[must_use]
    pub fn child(&self, route: Option<&str>, method: &Method) -> &Child {
        let Some(methods) = route.and_then(|route| self.by_path.get(route)) else { return &self.unmatched };
        let served = methods.served.iter().find(|(served, _)| served == method);
        served.map_or(&methods.other, |(_, child)| child)
    }

    /// Every route and method with its counters.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Child)> {
        self.by_path
            .iter()
            .flat_map(|(path, methods)| {
                let served = methods.served.iter().map(|(_, child)| child);
                served.chain([&methods.other]).map(move |child| (path.as_str(), child))
            })
            .chain([(UNMATCHED, &self.unmatched)])
    }
}

impl Child {
    fn new(requests: &IntCounterVec, durations: &HistogramVec, route: &str, method: &str) -> Self {
        Self {
            by_status: [const { OnceLock::new() }; STATUSES.len() + 1],
            duration: OnceLock::new(),
            requests: requests.clone(),
            durations: durations.clone(),
            route: route.to_owned(),
            method: method.to_owned(),
        }
    }

    fn counter(&self, place: usize) -> &IntCounter {
        self.by_status[place].get_or_init(|| {
            let status = STATUSES.get(place).map_or_else(|| OTHER.to_owned(), u16::to_string);
            self.requests.with_label_values(&[&self.route, &self.method, &status])
        })
    }

    fn timed(&self) -> &Histogram {
        self.duration.get_or_init(|| self.durations.with_label_values(&[&self.route, &self.method]))
    }

    /// Counts one answer.
    pub fn observe(&self, status: StatusCode, took: Duration) {
        self.counter(place(status.as_u16())).inc();
        self.timed().observe(took.as_secs_f64());
    }

    /// Answers of these statuses together.
    fn sum(&self, is_counted: impl Fn(u16) -> bool) -> u64 {
        let others = [0].into_iter();
        let counters = self.by_status.iter().zip(STATUSES.into_iter().chain(others));
        let counted = counters.filter(|(_, status)| is_counted(*status));
        counted.filter_map(|(counter, _)| counter.get()).map(IntCounter::get).sum()
    }

    /// Answers of all statuses together.
    pub(super) fn requests(&self) -> u64 {
        self.sum(|_| true)
    }

    /// Answers that succeeded.
    pub(super) fn successes(&self) -> u64 {
        self.sum(|status| (200..300).contains(&status))
    }

    /// Answers with a status of 500 or more.
    pub(super) fn failures(&self) -> u64 {
        self.sum(|status| status >= 500)
    }

    /// The times of its answers, once there is one.
    pub(super) fn duration(&self) -> Option<&Histogram> {
        self.duration.get()
    }
}
