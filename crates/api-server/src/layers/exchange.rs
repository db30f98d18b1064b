//! What is known of one request, in one place that all its layers share.
//!
//! One allocation and one entry in the request's extensions, where a type for each layer would take two of each.
//! Every fact is written once, by the layer that finds it out, and read by those further in and on the way out.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use http::{Method, Uri};

use super::api_key::Caller;
use super::request_id::RequestId;
use crate::connection::Connection;
use crate::problem::{Kind, Problem};

/// One request and its answer. Clones share it.
#[derive(Clone, Debug)]
pub struct Exchange(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    connection: Arc<Connection>,
    method: Method,
    uri: Uri,
    started: Instant,
    took: OnceLock<Duration>,
    id: OnceLock<RequestId>,
    client: OnceLock<IpAddr>,
    route: OnceLock<MatchedPath>,
    caller: OnceLock<Caller>,
}

impl Drop for Facts {
    fn drop(&mut self) {
        self.connection.note_answer();
    }
}

impl Exchange {
    /// Begins with a request that just came over this connection, and leaves it in the request's extensions.
    pub fn begin(request: &mut Request, connection: Arc<Connection>) {
        connection.note_request();
        let exchange = Self(Arc::new(Facts {
            connection,
            method: request.method().clone(),
            uri: request.uri().clone(),
            started: Instant::now(),
            took: OnceLock::new(),
            id: OnceLock::new(),
            client: OnceLock::new(),
            route: OnceLock::new(),
            caller: OnceLock::new(),
        }));
        request.extensions_mut().insert(exchange);
    }

    /// That of this request.
    ///
    /// # Errors
    /// There is none, which is a fault in the wiring: nothing can be decided without knowing who asks.
    pub fn of(request: &Request) -> Result<&Self, Problem> {
        let exchange = request.extensions().get();
        exchange.ok_or_else(|| Problem::new(Kind::Internal, "the request came over no connection"))
    }

    /// Over what it came.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.0.connection
    }

    /// Its method.
    #[must_use]
    pub fn method(&self) -> &Method {
        &self.0.method
    }

    /// Its target.
    #[must_use]
    pub fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// How long it took; the first call stops the watch, so that logs and metrics say the same.
    #[must_use]
    pub fn took(&self) -> Duration {
        *self.0.took.get_or_init(|| self.0.started.elapsed())
    }

    /// Its id, once it has one.
    #[must_use]
    pub fn id(&self) -> Option<&RequestId> {
        self.0.id.get()
    }

    pub(super) fn set_id(&self, id: RequestId) {
        let _first = self.0.id.set(id);
    }

    /// Who is asking, once that is decided.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        self.0.client.get().copied()
    }

    pub(super) fn set_client(&self, client: IpAddr) {
        let _first = self.0.client.set(client);
    }

    /// The pattern that its path matched, once it is routed.
    #[must_use]
    pub fn route(&self) -> Option<&str> {
        self.0.route.get().map(MatchedPath::as_str)
    }

    pub(super) fn set_route(&self, route: MatchedPath) {
        let _first = self.0.route.set(route);
    }

    /// Whose key it carries, once that is checked.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.0.caller.get()
    }

    pub(super) fn set_caller(&self, caller: Caller) {
        let _first = self.0.caller.set(caller);
    }
}

#[cfg(test)]
impl Exchange {
    /// Begins as over a connection from this address, which is also the client's.
    pub(crate) fn begin_from(request: &mut Request, client: &str) {
        let client: IpAddr = client.parse().unwrap();
        Self::begin(request, Arc::new(Connection::new((client, 50_000).into())));
        Self::of(request).unwrap().set_client(client);
    }
}
