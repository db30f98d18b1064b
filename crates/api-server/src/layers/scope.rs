//! Rejects callers without the scope of the route. What shows or changes what is everybody's also requires that the caller may read
//! all accounts, and a read of it is counted for the audit chain.

use std::sync::Arc;

use axum::extract::Request;
use domain::{AccountScope, Scope};
use http::Method;
use telemetry::metrics::{Anomaly, Metrics};

use super::hook::RequestHook;
use crate::auth_events::{AuthEvent, AuthEvents};
use crate::problem::{Kind, Problem};
use crate::request_context::{Caller, RequestContext};

#[derive(Clone, Debug)]
pub(crate) struct RequireScope {
    pub(crate) scope: Scope,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) events: Arc<AuthEvents>,
}

impl RequestHook for RequireScope {
    type ResponseHook = ();

    fn on_request(&self, request: &mut Request) -> Result<(), Problem> {
        let is_read = request.method() == Method::GET;
        // Without a caller the API key layer is missing, and the request is refused.
        let context = RequestContext::get(request.extensions())?;
        let label = context.key().map(|key| key.label());
        if context.caller.get().is_some_and(|caller| self.allows(caller)) {
            // Metrics are nobody's data, and are read all the time.
            if is_read
                && self.scope.needs_all_accounts()
                && self.scope != Scope::MetricsRead
                && label.is_some()
            {
                self.events.record(AuthEvent::AdminRead(label));
            }
            return Ok(());
        }
        self.metrics.auth_forbidden.inc();
        if let Some(label) = label {
            self.metrics.key_anomalies.count(Anomaly::Forbidden, label);
            self.events.record(AuthEvent::Forbidden(Some(label)));
        }
        let detail = format!("an API key with the scope {} is required", self.scope);
        Err(Problem::new(Kind::Forbidden, detail).with("scope", self.scope.as_str()))
    }
}

impl RequireScope {
    fn allows(&self, caller: &Caller) -> bool {
        let has_accounts = !self.scope.needs_all_accounts() || *caller.accounts == AccountScope::All;
        caller.scopes.contains(self.scope) && has_accounts
    }
}

#[cfg(test)]
mod tests {
    use domain::{Role, Scopes};
    use telemetry::metrics::Labels;

    use super::*;
    use crate::request_context::Credential;

    fn check(caller: Option<(Scopes, AccountScope)>, scope: Scope) -> Result<(), Problem> {
        let metrics = Arc::new(Metrics::new(Labels::default()).unwrap());
        let layer = RequireScope { scope, metrics, events: Arc::default() };
        let mut request = Request::default();
        RequestContext::attach_from(&mut request, "192.0.2.1");
        if let Some((scopes, accounts)) = caller {
            let context = RequestContext::get(request.extensions()).unwrap();
            let (role, accounts, credential) = (Role::Admin, accounts.into(), Credential::Open);
            context.caller.set(Caller { role, scopes, accounts, credential }).unwrap();
        }
        layer.on_request(&mut request)
    }

    #[test]
    fn a_request_without_a_caller_is_refused() {
        assert_eq!(check(None, Scope::MarketRead).unwrap_err().kind, Kind::Forbidden);
    }

    #[test]
    fn each_scope_allows_its_own_routes_and_no_others() {
        for own in Scope::ALL {
            for required in Scope::ALL {
                let checked = check(Some((Scopes::of(&[own]), AccountScope::All)), required);
                assert_eq!(checked.is_ok(), own == required, "{own} at {required}");
                let detail = checked.err().map(|problem| problem.detail.contains(required.as_str()));
                assert_eq!(detail, (own != required).then_some(true));
            }
        }
    }

    #[test]
    fn what_is_everybodys_needs_a_key_of_all_accounts() {
        for scope in Scope::ALL {
            let some = (Scopes::ALL, "alpaca:a1".parse().unwrap());
            assert_eq!(check(Some(some), scope).is_ok(), !scope.needs_all_accounts(), "{scope}");
        }
    }
}
