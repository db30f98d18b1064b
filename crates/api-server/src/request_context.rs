//! The values of one request that its layers share.
//!
//! One allocation and one entry in the request's extensions; a type for each layer would need one of each per type. Each value
//! is set once, by the layer that determines it.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request};
use config::api_keys::{Key, Role};
use domain::{AccountScope, Scope, Scopes};
use http::{Method, Uri};
use jiff::Timestamp;
use strict_http1::Connection;
use telemetry::RequestId;
use telemetry::traces::SpanIds;

use crate::content_encoding::ContentEncoding;
use crate::problem::{Kind, Problem};

/// The start of the paths of all webhook endpoints.
const WEBHOOKS: &str = "/api/v1/webhooks/";

/// One request and its response. `None` until the layer that determines the value has run.
#[derive(Debug)]
pub(crate) struct RequestContext {
    pub(crate) connection: Arc<Connection>,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) id: OnceLock<RequestId>,
    /// The ids of its span, if there are traces.
    pub(crate) span: OnceLock<SpanIds>,
    /// The address of the client.
    pub(crate) client: OnceLock<IpAddr>,
    /// The path pattern of the route.
    pub(crate) route: OnceLock<MatchedPath>,
    pub(crate) caller: OnceLock<Caller>,
    /// Set if its head was refused.
    pub(crate) refused_head: OnceLock<()>,
    /// The key that counts this request as in progress.
    pub(crate) limited_key: OnceLock<Arc<Key>>,
    /// Until when the response has everything, if it was read from a standby.
    pub(crate) data_as_of: OnceLock<Timestamp>,
    /// The encoding that the client prefers, on routes that are compressed.
    pub(crate) content_encoding: OnceLock<ContentEncoding>,
    started: Instant,
    duration: OnceLock<Duration>,
}

/// The authenticated sender of a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The most that it may grant.
    pub(crate) role: Role,
    /// What it may do.
    pub(crate) scopes: Scopes,
    /// The accounts whose books it may read.
    pub(crate) accounts: Arc<AccountScope>,
    pub(crate) credential: Credential,
}

/// How a caller was authenticated.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// Not at all, on an open server.
    Open,
    Key(Arc<Key>),
    /// By the token that creates the first API key.
    Bootstrap,
}

impl Caller {
    /// Every client of a server without keys.
    pub(crate) fn open() -> Self {
        let (role, accounts) = (Role::OPEN, Arc::new(AccountScope::All));
        Self { role, scopes: role.scopes(), accounts, credential: Credential::Open }
    }

    pub(crate) fn with_key(key: Arc<Key>) -> Self {
        let accounts = Arc::clone(&key.accounts);
        Self { role: key.role, scopes: key.scopes, accounts, credential: Credential::Key(key) }
    }

    /// Who has the bootstrap token may create a key of any scopes, but do nothing else.
    pub(crate) fn bootstrap() -> Self {
        let (scopes, accounts) = (Scopes::of(&[Scope::KeysAdmin]), Arc::new(AccountScope::All));
        Self { role: Role::Admin, scopes, accounts, credential: Credential::Bootstrap }
    }

    pub(crate) fn key(&self) -> Option<&Arc<Key>> {
        match &self.credential {
            Credential::Key(key) => Some(key),
            Credential::Open | Credential::Bootstrap => None,
        }
    }
}

impl Drop for RequestContext {
    fn drop(&mut self) {
        self.connection.end_request();
        if let Some(key) = self.limited_key.get() {
            key.limiter.end();
        }
    }
}

impl RequestContext {
    /// Adds a new context to the extensions of a request on this connection.
    pub(crate) fn attach(request: &mut Request, connection: Arc<Connection>) -> Arc<Self> {
        connection.start_request();
        let context = Self {
            connection,
            method: request.method().clone(),
            uri: request.uri().clone(),
            id: OnceLock::new(),
            span: OnceLock::new(),
            client: OnceLock::new(),
            route: OnceLock::new(),
            caller: OnceLock::new(),
            refused_head: OnceLock::new(),
            limited_key: OnceLock::new(),
            data_as_of: OnceLock::new(),
            content_encoding: OnceLock::new(),
            started: Instant::now(),
            duration: OnceLock::new(),
        };
        let context = Arc::new(context);
        request.extensions_mut().insert(Arc::clone(&context));
        context
    }

    /// The context of this request. A request without one is refused, because it did not come through the server.
    pub(crate) fn get(extensions: &http::Extensions) -> Result<&Arc<Self>, Problem> {
        extensions.get().ok_or_else(|| Problem::new(Kind::Internal, "the request has no context"))
    }

    /// The duration of the request; the first call stops the clock, so that logs and metrics agree.
    pub(crate) fn duration(&self) -> Duration {
        *self.duration.get_or_init(|| self.started.elapsed())
    }

    pub(crate) fn route(&self) -> Option<&str> {
        self.route.get().map(MatchedPath::as_str)
    }

    /// Whether it was sent to the endpoint of a provider.
    pub(crate) fn is_delivery(&self) -> bool {
        self.route().is_some_and(|route| route.starts_with(WEBHOOKS))
    }

    pub(crate) fn key(&self) -> Option<&Arc<Key>> {
        self.caller.get()?.key()
    }
}

#[cfg(test)]
impl RequestContext {
    /// Adds the context of a request that this client sent over its own connection.
    pub(crate) fn attach_from(request: &mut Request, client: &str) {
        let client: IpAddr = client.parse().unwrap();
        Self::attach(request, Arc::new(Connection::new((client, 50_000).into())));
        Self::get(request.extensions()).unwrap().client.set(client).unwrap();
    }
}
