//! OpenMetrics 1.0, for scrapers that take exemplars.
//!
//! It differs from the text format 0.0.4: a counter's family is named without `_total`, bounds are written as floats, help texts
//! escape quotes, and the page ends with `# EOF`.

use std::fmt::Write as _;

use prometheus::proto::{LabelPair, Metric, MetricFamily, MetricType};

use super::Routes;
use super::exemplars::{Exemplar, Exemplars};

/// The media type of [`Metrics::open_metrics`](super::Metrics::open_metrics).
pub const OPEN_METRICS_MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The histogram with exemplars.
const REQUEST_DURATION: &str = "investiq_http_request_duration_seconds";

/// Writes families, sorted by name, with the exemplars of the routes.
pub(super) fn encode(families: &[MetricFamily], routes: &Routes) -> String {
    let mut page = Page(String::new());
    families.iter().for_each(|family| page.family(family, routes));
    page.0.push_str("# EOF\n");
    page.0
}

struct Page(String);

impl Page {
    fn family(&mut self, family: &MetricFamily, routes: &Routes) {
        let (name, kind) = match family.get_field_type() {
            MetricType::COUNTER => (family.name().trim_end_matches("_total"), "counter"),
            MetricType::GAUGE => (family.name(), "gauge"),
            MetricType::HISTOGRAM => (family.name(), "histogram"),
            // The service has none.
            MetricType::SUMMARY | MetricType::UNTYPED => return,
        };
        self.put(&["# HELP ", name, " "]);
        self.escaped(family.help());
        self.put(&["\n# TYPE ", name, " ", kind, "\n"]);
        for metric in family.get_metric() {
            match family.get_field_type() {
                MetricType::COUNTER => self.sample(name, "_total", metric, metric.get_counter().get_value()),
                MetricType::HISTOGRAM => self.histogram(name, metric, exemplars(name, metric, routes)),
                MetricType::GAUGE | MetricType::SUMMARY | MetricType::UNTYPED => {
                    self.sample(name, "", metric, metric.get_gauge().get_value());
                }
            }
        }
    }

    fn histogram(&mut self, name: &str, metric: &Metric, exemplars: Option<&Exemplars>) {
        let histogram = metric.get_histogram();
        let bounded = histogram.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
        let bounded =
            bounded.map(|bucket| (format!("{:?}", bucket.upper_bound()), bucket.cumulative_count()));
        let all = ("+Inf".to_owned(), histogram.get_sample_count());
        for (index, (bound, count)) in bounded.chain([all]).enumerate() {
            self.put(&[name, "_bucket"]);
            self.labels(metric.get_label(), Some(&bound));
            self.value(count as f64);
            if let Some(exemplar) = exemplars.and_then(|exemplars| exemplars.of_bucket(index)) {
                self.exemplar(&exemplar);
            }
            self.0.push('\n');
        }
        self.sample(name, "_sum", metric, histogram.get_sample_sum());
        self.sample(name, "_count", metric, histogram.get_sample_count() as f64);
    }

    fn sample(&mut self, name: &str, ending: &str, metric: &Metric, value: f64) {
        self.put(&[name, ending]);
        self.labels(metric.get_label(), None);
        self.value(value);
        self.0.push('\n');
    }

    fn labels(&mut self, labels: &[LabelPair], bound: Option<&str>) {
        let labels = labels.iter().map(|label| (label.name(), label.value()));
        let labels = labels.chain(bound.map(|bound| ("le", bound)));
        let mut separator = "{";
        for (name, value) in labels {
            self.put(&[separator, name, "=\""]);
            self.escaped(value);
            self.0.push('"');
            separator = ",";
        }
        if separator == "," {
            self.0.push('}');
        }
    }

    fn exemplar(&mut self, Exemplar { ids, duration_s, at }: &Exemplar) {
        let trace_id = ids.trace_id();
        self.put(&[" # {trace_id=\"", std::str::from_utf8(&trace_id).unwrap_or_default(), "\"}"]);
        self.value(*duration_s);
        // Writing into a String cannot fail.
        let _ = write!(self.0, " {}.{:03}", at.as_second(), at.subsec_millisecond());
    }

    fn value(&mut self, value: f64) {
        let _ = match value {
            f64::INFINITY => write!(self.0, " +Inf"),
            f64::NEG_INFINITY => write!(self.0, " -Inf"),
            value => write!(self.0, " {value}"),
        };
    }

    fn escaped(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '\\' => self.0.push_str("\\\\"),
                '"' => self.0.push_str("\\\""),
                '\n' => self.0.push_str("\\n"),
                other => self.0.push(other),
            }
        }
    }

    fn put(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.0.push_str(part));
    }
}

fn exemplars<'r>(name: &str, metric: &Metric, routes: &'r Routes) -> Option<&'r Exemplars> {
    if name != REQUEST_DURATION {
        return None;
    }
    let label = |name| metric.get_label().iter().find(|label| label.name() == name).map(LabelPair::value);
    routes.labelled(label("route")?, label("method")?).exemplars()
}
