//! The body of a response that its client takes in parts, so that one that takes nothing is noticed.
//!
//! A part counts as taken when it was written to the socket, and until then the request is in progress. Small responses over HTTP/1
//! are written at once, or block the socket.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::Version;
use http_body::{Body as HttpBody, Frame, SizeHint};
use strict_http1::ResponseBody;

use super::stream_executor::end_of_stream;
use crate::request_context::RequestContext;

/// Most bytes of a part.
const PART_BYTES_MAX: usize = 32 * 1024;
/// A client that takes a response more slowly, after the first minute, is disconnected.
const BYTES_PER_S_MIN: u64 = 16 * 1024;
const FIRST: Duration = Duration::from_secs(60);
/// Responses over HTTP/1 with fewer bytes are not divided.
const BYTES_MIN: u64 = 64 * 1024;

pub(super) struct UnreadBody {
    body: Body,
    rest: Bytes,
    deadline: Instant,
    unread: Arc<Unread>,
}

/// The client took the response too slowly.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the response is read too slowly")]
struct ReadTooSlowly;

/// Shared by the body and its parts.
struct Unread {
    progress: ResponseBody,
    /// Ends the request.
    _context: Arc<RequestContext>,
}

impl UnreadBody {
    pub(super) fn wrap(response: &mut Response, version: Version, context: &Arc<RequestContext>) {
        let body = response.body_mut();
        let is_large = body.size_hint().lower() >= BYTES_MIN;
        if !is_large && (version != Version::HTTP_2 || body.is_end_stream()) {
            return;
        }
        let progress = ResponseBody::new(&context.connection, end_of_stream());
        let unread = Arc::new(Unread { progress, _context: Arc::clone(context) });
        let time = FIRST + Duration::from_secs(body.size_hint().lower() / BYTES_PER_S_MIN);
        let deadline = Instant::now() + time;
        *body = Body::new(Self { body: std::mem::take(body), rest: Bytes::new(), deadline, unread });
    }
}

impl HttpBody for UnreadBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if Instant::now() > this.deadline {
            return Poll::Ready(Some(Err(axum::Error::new(ReadTooSlowly))));
        }
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let bytes = this.rest.split_to(this.rest.len().min(PART_BYTES_MAX));
        let part = Bytes::from_owner(Part { bytes, unread: Arc::clone(&this.unread) });
        Poll::Ready(Some(Ok(Frame::data(part))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, hint) = (self.rest.len() as u64, self.body.size_hint());
        let mut whole = SizeHint::new();
        whole.set_lower(hint.lower() + rest);
        if let Some(upper) = hint.upper() {
            whole.set_upper(upper + rest);
        }
        whole
    }
}

/// A part of the body, until it is written.
struct Part {
    bytes: Bytes,
    unread: Arc<Unread>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.unread.progress.note_progress();
    }
}
