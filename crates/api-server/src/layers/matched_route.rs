//! Tells the layers around the router which route was matched: axum tells only those inside.

use axum::extract::{MatchedPath, Request};

use super::exchange::Exchange;
use super::step::Step;
use crate::problem::Problem;

/// The layer; it stands directly inside the router, so that refusals further in know their route too.
#[derive(Clone, Copy, Debug)]
pub struct MatchedRoute;

impl Step for MatchedRoute {
    type After = ();

    fn before(&self, request: &mut Request) -> Result<(), Problem> {
        if let Some(route) = request.extensions().get::<MatchedPath>() {
            Exchange::of(request)?.set_route(route.clone());
        }
        Ok(())
    }
}
