//! Tells the layers around the router which route was matched: axum tells only those inside.

use axum::extract::{MatchedPath, Request};
use axum::response::Response;

use super::step::{After, Step};
use crate::problem::Problem;

/// The layer; it stands directly inside the router, so that refusals further in know their route too.
#[derive(Clone, Copy, Debug)]
pub struct MatchedRoute;

/// The route, until the answer carries it outwards.
#[derive(Debug)]
pub struct Route(Option<MatchedPath>);

impl Step for MatchedRoute {
    type After = Route;

    fn before(&self, request: &mut Request) -> Result<Route, Problem> {
        Ok(Route(request.extensions().get().cloned()))
    }
}

impl After for Route {
    fn after(self, response: &mut Response) {
        if let Some(path) = self.0 {
            response.extensions_mut().insert(path);
        }
    }
}
