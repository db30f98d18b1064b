//! Adds `Data-As-Of` to responses that were read from a standby: they have everything until then.

use std::sync::Arc;

use axum::extract::Request;
use axum::response::Response;
use http::{HeaderName, HeaderValue};

use super::hook::{RequestHook, ResponseHook};
use crate::problem::Problem;
use crate::request_context::RequestContext;

const DATA_AS_OF: HeaderName = HeaderName::from_static("data-as-of");

#[derive(Clone, Copy, Debug)]
pub(crate) struct DataAsOf;

/// The request, whose handler sets the time.
#[derive(Debug)]
pub(crate) struct DataAsOfHeader(Arc<RequestContext>);

impl RequestHook for DataAsOf {
    type ResponseHook = DataAsOfHeader;

    fn on_request(&self, request: &mut Request) -> Result<DataAsOfHeader, Problem> {
        RequestContext::get(request.extensions()).cloned().map(DataAsOfHeader)
    }
}

impl ResponseHook for DataAsOfHeader {
    fn on_response(self, response: &mut Response) {
        let value = self.0.data_as_of.get().map(|as_of| HeaderValue::try_from(as_of.to_string()));
        if let Some(Ok(value)) = value {
            response.headers_mut().insert(DATA_AS_OF, value);
        }
    }
}
