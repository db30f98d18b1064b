//! Requests by route, method and status.
//!
//! Successes and server errors exist at zero from the start: a rate misses the first event of a counter that starts at 1. All
//! other series are created at their first response. Routes, methods and statuses bound their number.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use http::{Method, StatusCode};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec};

use super::exemplars::Exemplars;
use super::{DURATION_BUCKETS_S, Families, opts};
use crate::span_ids::SpanIds;

/// The route label of requests that matched no route, or were rejected before routing.
pub const UNMATCHED: &str = "unmatched";
/// The label of methods that the route does not serve, and of statuses that are not listed below.
const OTHER: &str = "other";

/// Statuses with a counter of their own, sorted; clients cannot cause others.
const STATUSES: [u16; 20] =
    [200, 204, 304, 400, 401, 403, 404, 405, 406, 408, 409, 413, 414, 415, 422, 429, 431, 500, 502, 503];
/// Statuses that exist at zero for each route and method. Alerts on client errors use other families, such as
/// `auth_failures_total`.
const SERVED: &[u16] = &[200, 500, 503];
/// The same for routes that call a market-data vendor.
const SERVED_WITH_VENDOR: &[u16] = &[200, 500, 502, 503];
/// The same for requests that match no route.
const NOT_ROUTED: &[u16] = &[404, 500, 503];

/// The index of a status in [`STATUSES`]; all others share the last one.
fn index_of(status: u16) -> usize {
    STATUSES.binary_search(&status).unwrap_or(STATUSES.len())
}

/// Whether this route calls a market-data vendor.
fn calls_vendor(path: &str) -> bool {
    ["/api/analyze/", "/api/bars/", "/api/indicators/", "/api/symbols/"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
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
    /// Created at the start for expected statuses, and at the first response for all others.
    by_status: [OnceLock<IntCounter>; STATUSES.len() + 1],
    /// Created at the first response, because an empty histogram is fifteen useless series.
    duration: OnceLock<Histogram>,
    /// Created with the first recorded request.
    exemplars: OnceLock<Box<Exemplars>>,
    requests: IntCounterVec,
    durations: HistogramVec,
    route: String,
    method: String,
}

impl Routes {
    pub(super) fn new(families: &Families, routes: &[(&str, &str)]) -> Result<Self, prometheus::Error> {
        let labels = ["route", "method", "status"];
        let requests =
            families.counters("http_requests_total", "Responses by route, method and status", &labels)?;
        let help = "Time from the request head to the response head";
        let duration = HistogramOpts::from(opts("http_request_duration_seconds", help));
        let duration = duration.buckets(DURATION_BUCKETS_S.to_vec());
        let durations = families.declare(HistogramVec::new(duration, &labels[..2]))?;
        let child = |route: &str, method: &str, expected: &[u16]| {
            let child = Child::new(&requests, &durations, route, method);
            for status in expected {
                child.counter(index_of(*status));
            }
            child
        };
        let mut by_path: HashMap<String, Methods> = HashMap::new();
        for &(method, path) in routes {
            let other = || Methods { served: Vec::new(), other: child(path, OTHER, &[]) };
            let methods = by_path.entry(path.to_owned()).or_insert_with(other);
            if let Ok(parsed) = method.parse() {
                let expected = if calls_vendor(path) { SERVED_WITH_VENDOR } else { SERVED };
                methods.served.push((parsed, child(path, method, expected)));
            }
        }
        let unmatched = child(UNMATCHED, OTHER, NOT_ROUTED);
        // The family exists once it has one histogram.
        unmatched.duration_histogram();
        Ok(Self { by_path, unmatched })
    }

    /// The counters of a request; `route` is the matched pattern.
    #[must_use]
    pub fn child(&self, route: Option<&str>, method: &Method) -> &Child {
        self.labelled(route.unwrap_or(UNMATCHED), method.as_str())
    }

    /// The counters with these values of the labels `route` and `method`.
    pub(super) fn labelled(&self, route: &str, method: &str) -> &Child {
        let Some(methods) = self.by_path.get(route) else { return &self.unmatched };
        let served = methods.served.iter().find(|(served, _)| served.as_str() == method);
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
            exemplars: OnceLock::new(),
            requests: requests.clone(),
            durations: durations.clone(),
            route: route.to_owned(),
            method: method.to_owned(),
        }
    }

    fn counter(&self, index: usize) -> &IntCounter {
        self.by_status[index].get_or_init(|| {
            let status = STATUSES.get(index).map_or_else(|| OTHER.to_owned(), u16::to_string);
            self.requests.with_label_values(&[&self.route, &self.method, &status])
        })
    }

    fn duration_histogram(&self) -> &Histogram {
        self.duration.get_or_init(|| self.durations.with_label_values(&[&self.route, &self.method]))
    }

    /// Counts one response, of a request with these ids if there are traces.
    pub fn observe(&self, status: StatusCode, duration: Duration, ids: Option<SpanIds>) {
        self.counter(index_of(status.as_u16())).inc();
        self.duration_histogram().observe(duration.as_secs_f64());
        if let Some(ids) = ids.filter(|ids| ids.is_sampled()) {
            self.exemplars.get_or_init(Box::default).note(ids, duration.as_secs_f64());
        }
    }

    /// Recorded requests by their time, once there is one.
    pub(super) fn exemplars(&self) -> Option<&Exemplars> {
        self.exemplars.get().map(|exemplars| &**exemplars)
    }

    /// The number of responses whose status is counted.
    fn sum(&self, is_counted: impl Fn(u16) -> bool) -> u64 {
        let others = [0].into_iter();
        let counters = self.by_status.iter().zip(STATUSES.into_iter().chain(others));
        let counted = counters.filter(|(_, status)| is_counted(*status));
        counted.filter_map(|(counter, _)| counter.get()).map(IntCounter::get).sum()
    }

    pub(super) fn requests(&self) -> u64 {
        self.sum(|_| true)
    }

    pub(super) fn successes(&self) -> u64 {
        self.sum(|status| (200..300).contains(&status))
    }

    pub(super) fn failures(&self) -> u64 {
        self.sum(|status| status >= 500)
    }

    /// The response times, once there is a response.
    pub(super) fn duration(&self) -> Option<&Histogram> {
        self.duration.get()
    }
}
