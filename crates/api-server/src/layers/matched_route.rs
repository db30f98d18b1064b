//! Records the matched route for the layers around the router; axum passes it only to those inside.

use axum::extract::{MatchedPath, Request};

use super::hook::RequestHook;
use crate::problem::Problem;
use crate::request_context::RequestContext;

/// Directly inside the router, so that refusals of inner layers have a route, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MatchedRoute;

impl RequestHook for MatchedRoute {
    type ResponseHook = ();

    fn on_request(&self, request: &mut Request) -> Result<(), Problem> {
        if let Some(route) = request.extensions().get::<MatchedPath>() {
            RequestContext::get(request.extensions())?.route.get_or_init(|| route.clone());
        }
        Ok(())
    }
}
