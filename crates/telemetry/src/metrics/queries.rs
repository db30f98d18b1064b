//! Times of the database.

use prometheus::{HistogramOpts, HistogramTimer, HistogramVec};

use super::{Families, opts};

/// Upper bounds of the duration buckets, in seconds. A commit waits for a disk; a statement ends after 10.
const BUCKETS_S: [f64; 8] = [0.000_5, 0.002, 0.008, 0.03, 0.12, 0.5, 2.5, 8.5];

/// Times of transactions by what they are for. It exists before the registry, because the database is opened first. Clones count
/// together.
#[derive(Clone, Debug)]
pub struct QueryDurations(HistogramVec);

/// Measures one transaction, until it is dropped.
pub type QueryTimer = HistogramTimer;

impl Default for QueryDurations {
    /// Without any series.
    fn default() -> Self {
        let help = "Time of database transactions by what they are for, without the wait for a connection";
        let options = HistogramOpts::from(opts("database_query_duration_seconds", help));
        let family = HistogramVec::new(options.buckets(BUCKETS_S.to_vec()), &["statement"]);
        Self(family.expect("the name and the label are well-formed"))
    }
}

impl QueryDurations {
    /// Starts to measure. Names of statements are a few that the program has, never input.
    pub fn start(&self, statement: &'static str) -> QueryTimer {
        self.0.with_label_values(&[statement]).start_timer()
    }

    /// Adds the family to the registry.
    ///
    /// # Errors
    /// The name is already registered.
    pub fn register(&self, families: &Families) -> Result<(), prometheus::Error> {
        families.register(Box::new(self.0.clone()))
    }
}
