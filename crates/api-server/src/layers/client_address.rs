//! Decides once who the client is, for limits, logs and audit alike.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;

use super::step::Step;
use crate::client_address::TrustedProxies;
use crate::connection::Connection;
use crate::problem::{Kind, Problem};

/// The client's address, in the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The layer.
#[derive(Clone, Debug)]
pub struct ClientAddresses {
    /// Whose word is believed.
    pub proxies: TrustedProxies,
}

impl Step for ClientAddresses {
    type After = ();

    fn before(&self, request: &mut Request) -> Result<(), Problem> {
        let peer = request.extensions().get::<Arc<Connection>>().map(|connection| connection.peer().ip());
        // A request without a connection is a fault in the wiring. Guessing an address would share one limit among all.
        let peer = peer.ok_or_else(|| Problem::new(Kind::Internal, "the client's address is not known"))?;
        let client = self.proxies.client(peer, request.headers());
        request.extensions_mut().insert(ClientAddress(client));
        Ok(())
    }
}
