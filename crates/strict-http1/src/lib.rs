//! Reads HTTP/1 heads and body framing strictly, in front of hyper.
//!
//! hyper is lenient where RFC 9112 allows it. A service behind a proxy cannot be: two parsers that disagree about where a
//! message ends make request smuggling possible. [`StrictHttp1`] wraps the socket and checks every HTTP/1 head and every
//! chunk before hyper reads them; [`validate_http2`] has the same rules for HTTP/2. Responses are left to the caller.

mod chunks;
mod connection;
mod head;
mod head_error;
mod http2;
mod linger;
mod rules;
mod strict;

pub use connection::{Connection, ResponseBody, TimeLimits};
pub use head::{HEAD_BYTES_MAX, HEADERS_MAX};
pub use head_error::HeadError;
pub use http2::validate_http2;
pub use rules::TARGET_BYTES_MAX;
pub use strict::StrictHttp1;

/// The method of the head that hyper reads in place of a rejected one. Clients cannot use it: over HTTP/1 it is itself
/// rejected, and so it is by [`validate_http2`].
pub const REJECTED_METHOD: &str = "X-REJECTED";
