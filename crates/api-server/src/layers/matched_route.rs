//! Passes the matched route to the layers around the router: axum gives it only to those inside.

use axum::extract::{MatchedPath, Request};

use super::hook::RequestHook;
use crate::problem::Problem;
use crate::request_context::RequestContext;

/// Directly inside the router, so that what inner layers refuse has a route, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatchedRoute;

impl RequestHook for MatchedRoute {
    type ResponseHook = ();

    fn on_request(&self, request: &mut Request) -> Result<(), Problem> {
        if let Some(route) = request.extensions().get::<MatchedPath>() {
            RequestContext::get(request.extensions())?.set_route(route.clone());
        }
        Ok(())
    }
}
