//! Metrics whose values are read at each scrape, because something else counts them.

use std::fmt::Debug;
use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{CounterVec, GaugeVec, IntCounterVec};

use super::opts;

/// The metric families of one scrape.
#[derive(Default)]
pub struct Scrape(Vec<Box<dyn Collector>>);

/// Calls `read` at each scrape.
pub(super) struct ScrapeCollector<F> {
    read: F,
    descriptions: Vec<Desc>,
}

impl Scrape {
    /// Adds a counter, given its name and help text, with these series: label values, and the value of each.
    ///
    /// # Errors
    /// The name or a label is malformed.
    pub fn counters<V: AsRef<str> + Debug, const N: usize>(
        &mut self,
        (name, help): (&str, &str),
        labels: [&str; N],
        series: impl IntoIterator<Item = ([V; N], u64)>,
    ) -> Result<(), prometheus::Error> {
        let family = IntCounterVec::new(opts(name, help), &labels)?;
        series.into_iter().for_each(|(values, value)| family.with_label_values(&values).inc_by(value));
        self.0.push(Box::new(family));
        Ok(())
    }

    /// Adds a counter of seconds, like [`counters`](Self::counters).
    ///
    /// # Errors
    /// The name or a label is malformed.
    pub fn seconds<V: AsRef<str> + Debug, const N: usize>(
        &mut self,
        (name, help): (&str, &str),
        labels: [&str; N],
        series: impl IntoIterator<Item = ([V; N], Duration)>,
    ) -> Result<(), prometheus::Error> {
        let family = CounterVec::new(opts(name, help), &labels)?;
        series
            .into_iter()
            .for_each(|(values, sum)| family.with_label_values(&values).inc_by(sum.as_secs_f64()));
        self.0.push(Box::new(family));
        Ok(())
    }

    /// Adds a gauge, like [`counters`](Self::counters).
    ///
    /// # Errors
    /// The name or a label is malformed.
    pub fn gauges<V: AsRef<str> + Debug, const N: usize>(
        &mut self,
        (name, help): (&str, &str),
        labels: [&str; N],
        series: impl IntoIterator<Item = ([V; N], f64)>,
    ) -> Result<(), prometheus::Error> {
        let family = GaugeVec::new(opts(name, help), &labels)?;
        series.into_iter().for_each(|(values, value)| family.with_label_values(&values).set(value));
        self.0.push(Box::new(family));
        Ok(())
    }
}

impl<F: Fn(&mut Scrape) -> Result<(), prometheus::Error>> ScrapeCollector<F> {
    pub(super) fn new(read: F) -> Result<Self, prometheus::Error> {
        let mut scrape = Scrape::default();
        read(&mut scrape)?;
        let descriptions = scrape.0.iter().flat_map(|family| family.desc()).cloned().collect();
        Ok(Self { read, descriptions })
    }
}

impl<F: Fn(&mut Scrape) -> Result<(), prometheus::Error> + Send + Sync> Collector for ScrapeCollector<F> {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut scrape = Scrape::default();
        // It succeeded at registration, with the same names and labels.
        let _succeeds = (self.read)(&mut scrape);
        scrape.0.iter().flat_map(|family| family.collect()).collect()
    }
}
