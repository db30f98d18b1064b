//! Recorded requests as examples of response times: the last one of each bucket.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::DURATION_BUCKETS_S;
use crate::Clock;
use crate::span_ids::SpanIds;

/// The exemplars of one histogram of response times; the last one is that of `+Inf`.
#[derive(Debug, Default)]
pub(super) struct Exemplars([Mutex<Option<Exemplar>>; DURATION_BUCKETS_S.len() + 1]);

/// A recorded request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exemplar {
    pub(super) ids: SpanIds,
    pub(super) duration_s: f64,
    pub(super) at: Timestamp,
}

impl Exemplars {
    pub(super) fn note(&self, ids: SpanIds, duration_s: f64) {
        let bucket = DURATION_BUCKETS_S.partition_point(|bound_s| *bound_s < duration_s);
        let exemplar = Exemplar { ids, duration_s, at: Clock::System.now() };
        *self.0[bucket].lock().unwrap_or_else(PoisonError::into_inner) = Some(exemplar);
    }

    /// The exemplar of the bucket with this index.
    pub(super) fn of_bucket(&self, index: usize) -> Option<Exemplar> {
        *self.0.get(index)?.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
