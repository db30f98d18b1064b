//! Rejects callers without the required role. The routes of operators show and change what is everybody's: they also require that
//! the caller may read all accounts.

use std::sync::Arc;

use axum::extract::Request;
use config::api_keys::Role;
use domain::AccountScope;
use telemetry::metrics::{Anomaly, Metrics};

use super::hook::RequestHook;
use crate::auth_events::{AuthEvent, AuthEvents};
use crate::problem::{Kind, Problem};
use crate::request_context::RequestContext;

#[derive(Clone, Debug)]
pub(crate) struct RequireRole {
    /// The lowest role that may pass.
    pub(crate) role: Role,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) events: Arc<AuthEvents>,
}

impl RequestHook for RequireRole {
    type ResponseHook = ();

    fn on_request(&self, request: &mut Request) -> Result<(), Problem> {
        // Without a caller the API key layer is missing, and the request is refused.
        let context = RequestContext::get(request.extensions())?;
        let caller = context.caller.get();
        let has_scope = |scope: &AccountScope| self.role < Role::Admin || *scope == AccountScope::All;
        if caller.is_some_and(|caller| caller.role >= self.role && has_scope(&caller.scope)) {
            return Ok(());
        }
        self.metrics.auth_forbidden.inc();
        if let Some(key) = context.key() {
            self.metrics.key_anomalies.count(Anomaly::Forbidden, key.label());
            self.events.record(AuthEvent::Forbidden(Some(key.label())));
        }
        Err(Problem::new(Kind::Forbidden, format!("an API key with the role {} is required", self.role)))
    }
}

#[cfg(test)]
mod tests {
    use telemetry::metrics::Labels;

    use super::*;
    use crate::request_context::Caller;

    fn check(role: Option<Role>, required: Role) -> Result<(), Problem> {
        check_with(role, AccountScope::All, required)
    }

    fn check_with(role: Option<Role>, scope: AccountScope, required: Role) -> Result<(), Problem> {
        let metrics = Arc::new(Metrics::new(Labels::default()).unwrap());
        let layer = RequireRole { role: required, metrics, events: Arc::default() };
        let mut request = Request::default();
        RequestContext::attach_from(&mut request, "192.0.2.1");
        if let Some(role) = role {
            RequestContext::get(request.extensions())
                .unwrap()
                .caller
                .set(Caller { role, scope: scope.into(), key: None })
                .unwrap();
        }
        layer.on_request(&mut request)
    }

    #[test]
    fn a_request_without_a_caller_is_refused() {
        assert_eq!(check(None, Role::Viewer).unwrap_err().kind, Kind::Forbidden);
    }

    #[test]
    fn a_role_includes_those_below_it_and_none_above() {
        for (role, required, passes) in [
            (Role::Viewer, Role::Viewer, true),
            (Role::Viewer, Role::Trader, false),
            (Role::Trader, Role::Admin, false),
            (Role::Admin, Role::Trader, true),
        ] {
            assert_eq!(check(Some(role), required).is_ok(), passes, "{role} at {required}");
        }
    }

    #[test]
    fn an_operator_may_read_all_accounts() {
        let scope = || "alpaca:a1".parse().unwrap();
        assert!(check_with(Some(Role::Viewer), scope(), Role::Viewer).is_ok());
        assert_eq!(check_with(Some(Role::Admin), scope(), Role::Admin).unwrap_err().kind, Kind::Forbidden);
    }
}
