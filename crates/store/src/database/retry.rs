//! Retries transactions that conflict with another transaction.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder, Retryable as _};

use crate::error::{Error, Retry};

const RETRIES_MAX: usize = 4;
/// Delay before the first retry; each further delay is twice as long.
const DELAY_MIN: Duration = Duration::from_millis(5);

const POLICY: ExponentialBuilder =
    ExponentialBuilder::new().with_min_delay(DELAY_MIN).with_max_times(RETRIES_MAX);

pub(crate) fn retry_delays() -> ExponentialBackoff {
    POLICY.build()
}

/// Retries only transactions that the database rolled back because of another transaction.
pub(crate) async fn retry<T, F>(transaction: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    transaction.retry(POLICY).when(|error| error.retry() == Retry::Now).await
}
