//! Puts the layers of a group of routes around each of its handlers.
//!
//! Around the handler itself and not with `Router::layer`, so that axum stores handler and layers as one service: nested services
//! would be cloned and boxed again for each request. The refusal of an unsupported method, and with it a browser's preflight,
//! needs no API key.

use std::convert::Infallible;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get_service, post_service};
use config::MetricsAccess;
use domain::{Provider, Scope};
use http::StatusCode;
use tower::{Service, ServiceExt, service_fn};

use crate::handlers::metrics::is_open_to;
use crate::layers::Layers;

/// Routes without limits.
pub(super) struct Unlimited<'a, S> {
    pub(super) layers: &'a Layers,
    pub(super) state: S,
}

impl<S: Clone + Send + Sync + 'static> Unlimited<'_, S> {
    pub(super) fn get<T: 'static>(&self, handler: impl Handler<T, S>) -> MethodRouter {
        get_service(self.layers.probes(handler.with_state(self.state.clone())))
            .fallback_service(self.layers.probes(service_fn(method_not_allowed)))
    }
}

/// Routes without an API key.
pub(super) struct Public<'a, S> {
    pub(super) layers: &'a Layers,
    pub(super) state: S,
}

impl<S: Clone + Send + Sync + 'static> Public<'_, S> {
    pub(super) fn get<T: 'static>(&self, handler: impl Handler<T, S>) -> MethodRouter {
        let limited = self.layers.protect(handler.with_state(self.state.clone()));
        get_service(limited).fallback_service(self.layers.protect(service_fn(method_not_allowed)))
    }
}

/// Routes that require an API key.
pub(super) struct Keyed<'a, S> {
    pub(super) layers: &'a Layers,
    pub(super) state: S,
}

/// The methods of one keyed route, each with the scope that it requires.
pub(super) struct KeyedMethods<'a, S> {
    keyed: &'a Keyed<'a, S>,
    methods: MethodRouter,
}

impl<S: Clone + Send + Sync + 'static> Keyed<'_, S> {
    pub(super) fn route(&self) -> KeyedMethods<'_, S> {
        let refusal = self.layers.protect(service_fn(method_not_allowed));
        KeyedMethods { keyed: self, methods: MethodRouter::new().fallback_service(refusal) }
    }

    fn within<T: 'static>(
        &self,
        scope: Scope,
        handler: impl Handler<T, S>,
    ) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
    {
        self.layers.protect(self.layers.api(scope, handler.with_state(self.state.clone())))
    }
}

impl<S: Clone + Send + Sync + 'static> KeyedMethods<'_, S> {
    pub(super) fn get<T: 'static>(self, scope: Scope, handler: impl Handler<T, S>) -> Self {
        Self { methods: self.methods.get_service(self.keyed.within(scope, handler)), ..self }
    }

    pub(super) fn post<T: 'static>(self, scope: Scope, handler: impl Handler<T, S>) -> Self {
        Self { methods: self.methods.post_service(self.keyed.within(scope, handler)), ..self }
    }

    pub(super) fn delete<T: 'static>(self, scope: Scope, handler: impl Handler<T, S>) -> Self {
        Self { methods: self.methods.delete_service(self.keyed.within(scope, handler)), ..self }
    }

    pub(super) fn methods(self) -> MethodRouter {
        self.methods
    }
}

/// The webhook endpoint of one provider.
pub(super) struct Webhook<'a, S> {
    pub(super) layers: &'a Layers,
    pub(super) provider: Provider,
    pub(super) state: S,
}

impl<S: Clone + Send + Sync + 'static> Webhook<'_, S> {
    pub(super) fn post<T: 'static>(&self, handler: impl Handler<T, S>) -> MethodRouter {
        post_service(self.within(handler))
            .fallback_service(self.layers.protect(service_fn(method_not_allowed)))
    }

    /// For a provider that first checks whether the endpoint exists.
    pub(super) fn post_and_head<T: 'static, U: 'static>(
        &self,
        handler: impl Handler<T, S>,
        exists: impl Handler<U, S>,
    ) -> MethodRouter {
        self.post(handler).head_service(self.within(exists))
    }

    fn within<T: 'static>(
        &self,
        handler: impl Handler<T, S>,
    ) -> impl Service<Request, Response = Response, Error = Infallible, Future: Send> + Clone + Send + Sync + 'static
    {
        self.layers.webhooks(self.provider, handler.with_state(self.state.clone()))
    }
}

/// Routes that are [`Unlimited`] for clients that `access` allows, and require the scope `metrics:read` of all others.
pub(super) struct Guarded<'a, S> {
    pub(super) layers: &'a Layers,
    pub(super) access: MetricsAccess,
    pub(super) state: S,
}

impl<S: Clone + Send + Sync + 'static> Guarded<'_, S> {
    pub(super) fn get<T: 'static>(&self, handler: impl Handler<T, S>) -> MethodRouter {
        let handler = handler.with_state(self.state.clone());
        let open = self.layers.open_metrics(handler.clone());
        let keyed = self.layers.protect(self.layers.api(Scope::MetricsRead, handler));
        let (access, direct) = (self.access, self.layers.direct.clone());
        let guarded = service_fn(move |request: Request| {
            let is_open = is_open_to(access, &direct, &request);
            let (open, keyed) = (open.clone(), keyed.clone());
            async move { if is_open { open.oneshot(request).await } else { keyed.oneshot(request).await } }
        });
        get_service(guarded).fallback_service(self.layers.protect(service_fn(method_not_allowed)))
    }
}

async fn method_not_allowed(_: Request) -> Result<Response, Infallible> {
    Ok(StatusCode::METHOD_NOT_ALLOWED.into_response())
}

/// The response to unknown paths.
pub(super) async fn not_found(_: Request) -> Result<Response, Infallible> {
    Ok(StatusCode::NOT_FOUND.into_response())
}
