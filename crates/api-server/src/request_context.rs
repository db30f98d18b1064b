//! What is known about one request, in one place that all its layers share.
//!
//! One allocation and one entry in the request's extensions, where a type for each layer would take two of each. Every
//! value is written once, by the layer that finds it out, and read by inner layers and on the way out.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use config::api_keys::{Key, Role};
use http::{Method, Uri};
use strict_http1::Connection;
use telemetry::RequestId;

use crate::content_encoding::ContentEncoding;
use crate::problem::{Kind, Problem};

/// One request and its response. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    connection: Arc<Connection>,
    method: Method,
    uri: Uri,
    started: Instant,
    duration: OnceLock<Duration>,
    id: OnceLock<RequestId>,
    client: OnceLock<IpAddr>,
    route: OnceLock<MatchedPath>,
    caller: OnceLock<Caller>,
    content_encoding: OnceLock<ContentEncoding>,
}

/// Whose key a request carries.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) role: Role,
    /// `None` on an open server.
    pub(crate) key: Option<Arc<Key>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.connection.end_request();
    }
}

impl RequestContext {
    /// Puts a new context into the extensions of a request that just came over this connection.
    pub(crate) fn attach(request: &mut Request, connection: Arc<Connection>) {
        connection.start_request();
        let context = Self(Arc::new(Inner {
            connection,
            method: request.method().clone(),
            uri: request.uri().clone(),
            started: Instant::now(),
            duration: OnceLock::new(),
            id: OnceLock::new(),
            client: OnceLock::new(),
            route: OnceLock::new(),
            caller: OnceLock::new(),
            content_encoding: OnceLock::new(),
        }));
        request.extensions_mut().insert(context);
    }

    /// The context of this request. Without one the wiring is wrong, and nothing can be decided.
    pub(crate) fn get(extensions: &http::Extensions) -> Result<&Self, Problem> {
        extensions.get().ok_or_else(|| Problem::new(Kind::Internal, "the request has no context"))
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.0.connection
    }

    pub(crate) fn method(&self) -> &Method {
        &self.0.method
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// How long the request took; the first call stops the watch, so that logs and metrics agree.
    pub(crate) fn duration(&self) -> Duration {
        *self.0.duration.get_or_init(|| self.0.started.elapsed())
    }

    pub(crate) fn id(&self) -> Option<&RequestId> {
        self.0.id.get()
    }

    pub(crate) fn set_id(&self, id: RequestId) {
        let _first = self.0.id.set(id);
    }

    /// The client's address, once that is decided.
    pub(crate) fn client(&self) -> Option<IpAddr> {
        self.0.client.get().copied()
    }

    pub(crate) fn set_client(&self, client: IpAddr) {
        let _first = self.0.client.set(client);
    }

    /// The path pattern of the route, once the request is routed.
    pub(crate) fn route(&self) -> Option<&str> {
        self.0.route.get().map(MatchedPath::as_str)
    }

    pub(crate) fn set_route(&self, route: MatchedPath) {
        let _first = self.0.route.set(route);
    }

    /// The caller, once the key is checked.
    pub(crate) fn caller(&self) -> Option<&Caller> {
        self.0.caller.get()
    }

    pub(crate) fn set_caller(&self, caller: Caller) {
        let _first = self.0.caller.set(caller);
    }

    /// The encoding that the client prefers; identity on routes that are not compressed.
    pub(crate) fn content_encoding(&self) -> ContentEncoding {
        self.0.content_encoding.get().copied().unwrap_or_default()
    }

    pub(crate) fn set_content_encoding(&self, encoding: ContentEncoding) {
        let _first = self.0.content_encoding.set(encoding);
    }

    /// The caller's key.
    pub(crate) fn key(&self) -> Option<&Arc<Key>> {
        self.caller()?.key.as_ref()
    }
}

#[cfg(test)]
impl RequestContext {
    /// As over a connection from this address, which is also the client's.
    pub(crate) fn attach_from(request: &mut Request, client: &str) {
        let client: IpAddr = client.parse().unwrap();
        Self::attach(request, Arc::new(Connection::new((client, 50_000).into())));
        Self::get(request.extensions()).unwrap().set_client(client);
    }
}
