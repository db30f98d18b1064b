//! Determines the client's address once, for limits, logs and the audit chain.

use axum::extract::Request;

use super::hook::RequestHook;
use crate::client_address::TrustedProxies;
use crate::problem::Problem;
use crate::request_context::RequestContext;

#[derive(Clone, Debug)]
pub(crate) struct ClientAddresses {
    pub(crate) proxies: TrustedProxies,
}

impl RequestHook for ClientAddresses {
    type ResponseHook = ();

    fn on_request(&self, request: &mut Request) -> Result<(), Problem> {
        let context = RequestContext::get(request.extensions())?;
        let peer = context.connection.peer().ip();
        context.client.get_or_init(|| self.proxies.client(peer, request.headers()));
        Ok(())
    }
}
