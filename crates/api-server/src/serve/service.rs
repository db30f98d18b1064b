//! The step from hyper's requests to the app's: each learns its connection.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http_body::Body as _;
use hyper::body::Incoming;
use tower::Service;

use crate::connection::Connection;

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Requests<S> {
    app: S,
    connection: Arc<Connection>,
}

impl<S> Requests<S> {
    pub(super) fn new(app: S, connection: Arc<Connection>) -> Self {
        Self { app, connection }
    }
}

impl<S> hyper::service::Service<http::Request<Incoming>> for Requests<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    type Response = Response;
    type Error = Infallible;
    type Future = S::Future;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        self.connection.note_request();
        // Most requests have no body, and an empty one costs no allocation.
        let mut request =
            request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        request.extensions_mut().insert(Arc::clone(&self.connection));
        // The router and all layers around it are always ready.
        self.app.clone().call(request)
    }
}
