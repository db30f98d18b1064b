//! Marks the headers that carry credentials, so that they never appear in `Debug` output or in an HTTP/2 header table.

use axum::extract::Request;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, PROXY_AUTHORIZATION};

use super::hook::RequestHook;
use crate::problem::Problem;

pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The header of the second key, which live trading requires.
pub(crate) const X_LIVE_TRADING_KEY: HeaderName = HeaderName::from_static("x-live-trading-key");

#[derive(Clone, Copy, Debug)]
pub(crate) struct SensitiveHeaders;

impl RequestHook for SensitiveHeaders {
    type ResponseHook = ();

    fn on_request(&self, request: &mut Request) -> Result<(), Problem> {
        for (name, value) in request.headers_mut() {
            let is_credential = *name == AUTHORIZATION
                || *name == X_API_KEY
                || *name == COOKIE
                || *name == PROXY_AUTHORIZATION
                || *name == X_LIVE_TRADING_KEY;
            if is_credential {
                value.set_sensitive(true);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn every_line_of_a_credential_is_redacted_in_debug_output() {
        let request = http::Request::get("/").header("x-api-key", "canary").header("x-api-key", "canary");
        let mut request = request.header("authorization", "Bearer canary").body(Body::empty()).unwrap();
        SensitiveHeaders.on_request(&mut request).unwrap();
        assert!(!format!("{request:?}").contains("canary"));
    }
}
