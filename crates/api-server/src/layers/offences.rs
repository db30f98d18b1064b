//! Counts the offences of clients by the responses that they get: unknown paths, malformed heads, invalid signatures. Wrong keys are
//! counted where they are looked up.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::StatusCode;
use rate_limit::Offence;

use super::hook::{RequestHook, ResponseHook};
use crate::bans::Bans;
use crate::problem::Problem;
use crate::request_context::RequestContext;

#[derive(Clone, Debug)]
pub(crate) struct CountOffences {
    pub(crate) bans: Arc<Bans>,
}

#[derive(Debug)]
pub(crate) struct OffenceOfResponse {
    bans: Arc<Bans>,
    context: Arc<RequestContext>,
}

impl RequestHook for CountOffences {
    type ResponseHook = OffenceOfResponse;

    fn on_request(&self, request: &mut Request) -> Result<OffenceOfResponse, Problem> {
        let context = Arc::clone(RequestContext::get(request.extensions())?);
        Ok(OffenceOfResponse { bans: Arc::clone(&self.bans), context })
    }
}

impl ResponseHook for OffenceOfResponse {
    fn on_response(self, response: &mut Response) {
        let context = &self.context;
        let offence = match response.status() {
            _ if context.caller.get().is_some() => return,
            _ if context.refused_head.get().is_some() => Offence::MalformedHead,
            // A known path may answer 404, such as for an account of others.
            StatusCode::NOT_FOUND if context.route().is_none() => Offence::UnmatchedPath,
            StatusCode::METHOD_NOT_ALLOWED => Offence::UnmatchedPath,
            StatusCode::UNAUTHORIZED if context.is_delivery() => Offence::InvalidSignature,
            _ => return,
        };
        self.bans.record(context.client.get(), offence, context.uri.path().as_bytes());
    }
}
