//! Decides once who the client is, for limits, logs and audit alike.

use axum::extract::Request;

use super::exchange::Exchange;
use super::step::Step;
use crate::client_address::TrustedProxies;
use crate::problem::Problem;

/// The layer.
#[derive(Clone, Debug)]
pub struct ClientAddresses {
    /// Whose word is believed.
    pub proxies: TrustedProxies,
}

impl Step for ClientAddresses {
    type After = ();

    fn before(&self, request: &mut Request) -> Result<(), Problem> {
        let exchange = Exchange::of(request)?;
        exchange.set_client(self.proxies.client(exchange.connection().peer().ip(), request.headers()));
        Ok(())
    }
}
