//! Passes hyper's requests to the app, each with the context of its connection.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http_body::Body as _;
use hyper::body::Incoming;
use strict_http1::Connection;
use tower::Service;

use crate::request_context::RequestContext;

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Requests<S> {
    app: Mutex<S>,
    connection: Arc<Connection>,
}

impl<S> Requests<S> {
    pub(super) fn new(app: S, connection: Arc<Connection>) -> Self {
        Self { app: Mutex::new(app), connection }
    }
}

impl<S> hyper::service::Service<http::Request<Incoming>> for Requests<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = S::Future;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        // Most requests have no body, and an empty one costs no allocation.
        let mut request =
            request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        RequestContext::attach(&mut request, Arc::clone(&self.connection));
        // The router and its layers are always ready. The lock is never contended, because a connection starts its requests one
        // by one, and it is cheaper than cloning every layer.
        self.app.lock().unwrap_or_else(PoisonError::into_inner).call(request)
    }
}
