//! Bounds a request body while it is read: its size, and the time until its next bytes.
//!
//! A body whose declared length is too large is refused before it is read. If reading fails, the response reports the cause,
//! whatever the handler does with the error.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Sleep;

use super::hook::{RequestHook, ResponseHook};
use crate::problem::{Kind, Problem};

#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimit {
    pub(crate) bytes_max: usize,
    /// Longest wait for the next bytes of a body.
    pub(crate) frame_timeout: Duration,
}

impl RequestHook for BodyLimit {
    type ResponseHook = Option<BodyStatus>;

    fn on_request(&self, request: &mut Request) -> Result<Option<BodyStatus>, Problem> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        if request.body().size_hint().lower() > self.bytes_max as u64 {
            return Err(self.too_large());
        }
        if request.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(closing(Problem::new(Kind::UnsupportedMediaType, "the body must not be compressed")));
        }
        let error = Arc::default();
        let body = std::mem::take(request.body_mut());
        let bounded = BoundedBody {
            body,
            bytes_left: self.bytes_max,
            limit: *self,
            deadline: None,
            error: Arc::clone(&error),
        };
        *request.body_mut() = Body::new(bounded);
        Ok(Some(BodyStatus { limit: *self, error }))
    }
}

impl BodyLimit {
    fn too_large(&self) -> Problem {
        let detail = format!("the body is larger than {} bytes", self.bytes_max);
        closing(Problem::new(Kind::PayloadTooLarge, detail))
    }
}

/// Closes the connection, which cannot be used again because the rest of the body is not read.
fn closing(problem: Problem) -> Problem {
    problem.with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum BodyError {
    #[error("the body is too large")]
    TooLarge,
    #[error("the body arrived too slowly")]
    TooSlow,
    #[error("the body is malformed")]
    Malformed,
}

/// The error of a body, for the response.
#[derive(Debug)]
pub(crate) struct BodyStatus {
    limit: BodyLimit,
    error: Arc<OnceLock<BodyError>>,
}

impl ResponseHook for Option<BodyStatus> {
    fn on_response(self, response: &mut Response) {
        let Some(status) = self else { return };
        let problem = match status.error.get() {
            None => return,
            Some(BodyError::TooLarge) => status.limit.too_large(),
            Some(error @ BodyError::TooSlow) => closing(Problem::new(Kind::Timeout, error.to_string())),
            Some(error @ BodyError::Malformed) => closing(Problem::new(Kind::BadRequest, error.to_string())),
        };
        *response = problem.into_response();
    }
}

struct BoundedBody {
    body: Body,
    bytes_left: usize,
    limit: BodyLimit,
    deadline: Option<Pin<Box<Sleep>>>,
    error: Arc<OnceLock<BodyError>>,
}

impl BoundedBody {
    fn fail(&self, error: BodyError) -> axum::Error {
        axum::Error::new(*self.error.get_or_init(|| error))
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let wait = self.limit.frame_timeout;
        self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(wait))).as_mut().poll(context)
    }
}

impl HttpBody for BoundedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.poll_deadline(context));
            return Poll::Ready(Some(Err(self.fail(BodyError::TooSlow))));
        };
        self.deadline = None;
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return Poll::Ready(Some(Err(self.fail(BodyError::Malformed)))),
            None => return Poll::Ready(None),
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match self.bytes_left.checked_sub(bytes) {
            Some(bytes_left) => self.bytes_left = bytes_left,
            None => return Poll::Ready(Some(Err(self.fail(BodyError::TooLarge)))),
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let mut hint = self.body.size_hint();
        if hint.upper().is_none_or(|upper| upper > self.bytes_left as u64) {
            hint.set_upper(self.bytes_left as u64);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use tower::{Layer, ServiceExt, service_fn};

    use super::*;

    async fn status(body: Body) -> u16 {
        let handler = service_fn(|request: Request| async move {
            let status = match axum::body::to_bytes(request.into_body(), usize::MAX).await {
                Ok(_) => 200,
                Err(_) => 418,
            };
            Ok::<_, Infallible>(Response::builder().status(status).body(Body::empty()).unwrap())
        });
        let limit = BodyLimit { bytes_max: 10, frame_timeout: Duration::from_secs(10) };
        let service = super::super::hook::layer(limit).layer(handler);
        let Ok(response) = service.oneshot(Request::new(body)).await;
        response.status().as_u16()
    }

    /// A body whose length is not known before it ends.
    fn chunked(chunks: &'static [&'static str]) -> Body {
        Body::from_stream(stream::iter(chunks.iter().map(|chunk| Ok::<_, Infallible>(*chunk))))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_bounded_to_the_byte_and_in_time() {
        assert_eq!(status(Body::empty()).await, 200);
        assert_eq!(status(Body::from("0123456789")).await, 200);
        assert_eq!(status(Body::from("0123456789a")).await, 413);
        assert_eq!(status(chunked(&["01234", "56789"])).await, 200);
        assert_eq!(status(chunked(&["01234", "56789", "a"])).await, 413);
        assert_eq!(status(Body::from_stream(stream::pending::<Result<Bytes, Infallible>>())).await, 408);
    }
}
