//! Open reviews, computed with the business figures.

use prometheus::{Gauge, IntGaugeVec};

use super::{Families, Labels, opts};

/// What waits for a person. Replicas without the leader lease show zeros: take the maximum of all replicas.
#[derive(Debug)]
pub struct Reviews {
    kinds: Vec<String>,
    open: IntGaugeVec,
    /// Age of the oldest open review.
    pub oldest_age_seconds: Gauge,
}

impl Reviews {
    pub(super) fn new(families: &Families, labels: Labels<'_>) -> Result<Self, prometheus::Error> {
        let open =
            families.declare(IntGaugeVec::new(opts("reviews_open", "Open reviews, by kind"), &["kind"]))?;
        let oldest = opts("reviews_oldest_age_seconds", "Age of the oldest open review, in seconds");
        let kinds = labels.review_kinds.iter().map(|kind| (*kind).to_owned()).collect();
        let reviews = Self { kinds, open, oldest_age_seconds: families.declare(Gauge::with_opts(oldest))? };
        reviews.set_open(|_| 0);
        Ok(reviews)
    }

    /// Sets the number of open reviews of each kind.
    pub fn set_open(&self, count: impl Fn(&str) -> u64) {
        for kind in &self.kinds {
            let count = i64::try_from(count(kind)).unwrap_or(i64::MAX);
            self.open.with_label_values(&[kind]).set(count);
        }
    }

    /// Resets all to zero: another replica computes them now.
    pub fn step_down(&self) {
        self.set_open(|_| 0);
        self.oldest_age_seconds.set(0.0);
    }
}
