//! Lets only callers in whose role is high enough.

use std::sync::Arc;

use axum::extract::Request;

use super::api_key::Caller;
use super::exchange::Exchange;
use super::step::Step;
use crate::keys::Role;
use crate::metrics::Metrics;
use crate::problem::{Kind, Problem};

/// The layer.
#[derive(Clone, Debug)]
pub struct Require {
    /// The lowest role that may pass.
    pub role: Role,
    /// Where to count.
    pub metrics: Arc<Metrics>,
}

impl Step for Require {
    type After = ();

    fn before(&self, request: &mut Request) -> Result<(), Problem> {
        // Without a caller the API key layer is missing, and the answer is no.
        let role = Exchange::of(request)?.caller().map(Caller::role);
        if role.is_some_and(|role| role >= self.role) {
            return Ok(());
        }
        self.metrics.auth_forbidden.inc();
        Err(Problem::new(Kind::Forbidden, format!("this needs a key with the role {}", self.role)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_a_caller_is_refused() {
        let layer = Require { role: Role::Viewer, metrics: Arc::new(Metrics::new([]).unwrap()) };
        let mut request = Request::default();
        Exchange::begin_from(&mut request, "192.0.2.1");
        assert_eq!(layer.before(&mut request).unwrap_err().kind(), Kind::Forbidden);
    }

    #[test]
    fn a_role_opens_what_lies_under_it_and_nothing_above() {
        let metrics = Arc::new(Metrics::new([]).unwrap());
        for (has, needs, passes) in [
            (Role::Viewer, Role::Viewer, true),
            (Role::Viewer, Role::Trader, false),
            (Role::Trader, Role::Admin, false),
            (Role::Admin, Role::Trader, true),
        ] {
            let mut request = Request::default();
            Exchange::begin_from(&mut request, "192.0.2.1");
            Exchange::of(&request).unwrap().set_caller(Caller::with_role(has));
            let layer = Require { role: needs, metrics: Arc::clone(&metrics) };
            assert_eq!(layer.before(&mut request).is_ok(), passes, "{has} at {needs}");
        }
    }
}
