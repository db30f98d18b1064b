//! Passes hyper's requests to the app, each with the context of its connection. While the server stops, each response ends its
//! connection, so that a client does not send its next request to a connection that is about to be closed.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderValue, Version, header};
use http_body::Body as _;
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use strict_http1::Connection;
use tower::Service;

use super::stage::{CurrentStage, Stage};
use super::unread_body::UnreadBody;
use crate::request_context::RequestContext;

/// The requests of one connection.
#[derive(Debug)]
pub(super) struct Requests<S> {
    app: Mutex<S>,
    connection: Arc<Connection>,
    stage: Arc<CurrentStage>,
}

impl<S> Requests<S> {
    pub(super) fn new(app: S, connection: Arc<Connection>, stage: Arc<CurrentStage>) -> Self {
        Self { app: Mutex::new(app), connection, stage }
    }
}

pin_project! {
    /// A response, the last one of its connection if the server stops.
    pub(super) struct ConnectionResponse<F> {
        #[pin]
        response: F,
        version: Version,
        context: Arc<RequestContext>,
        stage: Arc<CurrentStage>,
    }
}

impl<F: Future<Output = Result<Response, Infallible>>> Future for ConnectionResponse<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.response.poll(context));
        if this.stage.get() != Stage::Serving {
            if *this.version == Version::HTTP_2 {
                this.context.connection.notify_change();
            } else {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
        }
        UnreadBody::wrap(&mut response, *this.version, this.context);
        Poll::Ready(Ok(response))
    }
}

impl<S> hyper::service::Service<http::Request<Incoming>> for Requests<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ConnectionResponse<S::Future>;

    fn call(&self, request: http::Request<Incoming>) -> Self::Future {
        // Most requests have no body, and an empty one costs no allocation.
        let mut request =
            request.map(|body| if body.is_end_stream() { Body::empty() } else { Body::new(body) });
        let context = RequestContext::attach(&mut request, Arc::clone(&self.connection));
        // The router and its layers are always ready. The lock is never contended, because a connection starts its requests one
        // by one, and it is cheaper than cloning every layer.
        let version = request.version();
        let response = self.app.lock().unwrap_or_else(PoisonError::into_inner).call(request);
        ConnectionResponse { response, version, context, stage: Arc::clone(&self.stage) }
    }
}
