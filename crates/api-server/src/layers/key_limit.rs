//! Limits how often one key may ask, from whatever addresses.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;

use super::api_key::Caller;
use super::exchange::Exchange;
use super::rate_limit::Standing;
use super::step::{After, Step};
use crate::keys::Key;
use crate::metrics::Metrics;
use crate::problem::Problem;

/// The layer.
#[derive(Clone, Debug)]
pub struct KeyLimit {
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

/// What an answer says of the key's limit; nothing when there are no keys.
#[derive(Debug)]
pub struct Told(Option<(Arc<Key>, Standing)>);

impl Step for KeyLimit {
    type After = Told;

    fn before(&self, request: &mut Request) -> Result<Told, Problem> {
        let Some(key) = Exchange::of(request)?.caller().and_then(Caller::key) else {
            return Ok(Told(None));
        };
        match key.limiter().check() {
            Ok(standing) => Ok(Told(Some((Arc::clone(key), standing)))),
            Err(standing) => {
                self.metrics.limited_by_key.inc();
                Err(key.limiter().policy().problem(standing))
            }
        }
    }
}

impl After for Told {
    fn after(self, response: &mut Response) {
        if let Some((key, standing)) = self.0 {
            key.limiter().policy().fields(standing).put_in(response.headers_mut());
        }
    }
}
