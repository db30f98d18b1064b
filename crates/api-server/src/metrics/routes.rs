//! Requests by route, method and class of status, with every handle resolved at the start.

use std::collections::HashMap;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec};

use super::Declare;

/// The route of requests whose path is none of ours, and of those that were refused before routing.
pub const UNMATCHED: &str = "unmatched";
/// The method of requests whose method the route does not serve.
const OTHER: &str = "other";
/// The classes of status that an answer can have.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

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
    by_class: [IntCounter; CLASSES.len()],
    duration: Histogram,
}

impl Routes {
    pub(super) fn new<'a>(
        declare: &Declare<'_>,
        routes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, prometheus::Error> {
        let (requests, durations) = declare.by_route()?;
        let child = |route: &str, method: &str| Child::new(&requests, &durations, route, method);
        let mut by_path: HashMap<String, Methods> = HashMap::new();
        for (method, path) in routes {
            let other = || Methods { served: Vec::new(), other: child(path, OTHER) };
            let methods = by_path.entry(path.to_owned()).or_insert_with(other);
            if let Ok(parsed) = method.parse() {
                methods.served.push((parsed, child(path, method)));
            }
        }
        Ok(Self { by_path, unmatched: child(UNMATCHED, OTHER) })
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
            by_class: CLASSES.map(|class| requests.with_label_values(&[route, method, class])),
            duration: durations.with_label_values(&[route, method]),
        }
    }

    /// Counts one answer.
    pub fn observe(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(2, 1 + CLASSES.len()) - 2;
        self.by_class[class].inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// Answers of all classes together.
    pub(super) fn requests(&self) -> u64 {
        self.by_class.iter().map(IntCounter::get).sum()
    }

    /// Answers that succeeded.
    pub(super) fn successes(&self) -> u64 {
        self.by_class[0].get()
    }

    /// Answers with a status of 500 or more.
    pub(super) fn failures(&self) -> u64 {
        self.by_class[CLASSES.len() - 1].get()
    }

    pub(super) fn duration(&self) -> &Histogram {
        &self.duration
    }
}
