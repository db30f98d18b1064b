//! Bounds a request body while it is read: its bytes in all, and the time to its next bytes.
//!
//! A body that says in its head that it is too large is refused before a byte of it is read. Whatever a handler makes
//! of a body that failed, the answer says what was wrong with it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Sleep;

use super::step::{After, Step};
use crate::problem::{Kind, Problem};

/// The layer.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimit {
    /// Most bytes of a body.
    pub bytes_max: usize,
    /// Longest wait for the next bytes of a body.
    pub frame_timeout: Duration,
}

impl Step for BodyLimit {
    type After = Option<Read>;

    fn before(&self, request: &mut Request) -> Result<Option<Read>, Problem> {
        if request.body().is_end_stream() {
            return Ok(None);
        }
        if request.body().size_hint().lower() > self.bytes_max as u64 {
            return Err(self.too_large());
        }
        if request.headers().contains_key(header::CONTENT_ENCODING) {
            return Err(closing(Problem::new(Kind::UnsupportedMediaType, "the body must not be compressed")));
        }
        let fault = Arc::new(AtomicU8::new(Fault::NONE));
        let body = std::mem::take(request.body_mut());
        let bounded =
            Bounded { body, left: self.bytes_max, limit: *self, alarm: None, fault: Arc::clone(&fault) };
        *request.body_mut() = Body::new(bounded);
        Ok(Some(Read { limit: *self, fault }))
    }
}

impl BodyLimit {
    fn too_large(&self) -> Problem {
        let detail = format!("the body is larger than {} bytes", self.bytes_max);
        closing(Problem::new(Kind::PayloadTooLarge, detail))
    }
}

/// The rest of the body is not read, so the connection cannot be used again.
fn closing(problem: Problem) -> Problem {
    problem.with_header(header::CONNECTION, HeaderValue::from_static("close"))
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It has more bytes than it may.
    #[error("the body is too large")]
    TooLarge,
    /// Its next bytes did not come in time.
    #[error("the body came too slowly")]
    TooSlow,
    /// It ended early or its chunks make no sense.
    #[error("the body is malformed")]
    Malformed,
}

impl Fault {
    const NONE: u8 = 0;

    fn code(self) -> u8 {
        match self {
            Self::TooLarge => 1,
            Self::TooSlow => 2,
            Self::Malformed => 3,
        }
    }

    fn of_code(code: u8) -> Option<Self> {
        [Self::TooLarge, Self::TooSlow, Self::Malformed].into_iter().find(|fault| fault.code() == code)
    }
}

/// What became of a body, until the answer comes.
#[derive(Debug)]
pub struct Read {
    limit: BodyLimit,
    fault: Arc<AtomicU8>,
}

impl After for Option<Read> {
    fn after(self, response: &mut Response) {
        let Some(read) = self else { return };
        let problem = match Fault::of_code(read.fault.load(Ordering::Relaxed)) {
            None => return,
            Some(Fault::TooLarge) => read.limit.too_large(),
            Some(fault @ Fault::TooSlow) => closing(Problem::new(Kind::Timeout, fault.to_string())),
            Some(fault @ Fault::Malformed) => closing(Problem::new(Kind::BadRequest, fault.to_string())),
        };
        *response = problem.into_response();
    }
}

/// A body with its bounds.
struct Bounded {
    body: Body,
    left: usize,
    limit: BodyLimit,
    alarm: Option<Pin<Box<Sleep>>>,
    fault: Arc<AtomicU8>,
}

impl Bounded {
    fn fail(&self, fault: Fault) -> axum::Error {
        self.fault.store(fault.code(), Ordering::Relaxed);
        axum::Error::new(fault)
    }

    fn poll_alarm(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let wait = self.limit.frame_timeout;
        self.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(wait))).as_mut().poll(context)
    }
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
            ready!(self.poll_alarm(context));
            return Poll::Ready(Some(Err(self.fail(Fault::TooSlow))));
        };
        self.alarm = None;
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(_)) => return Poll::Ready(Some(Err(self.fail(Fault::Malformed)))),
            None => return Poll::Ready(None),
        };
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Some(Err(self.fail(Fault::TooLarge)))),
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    use tower::{Layer, ServiceExt, service_fn};

    struct Silent;

    impl HttpBody for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    async fn status(body: Body) -> u16 {
        let handler = service_fn(|request: Request| async move {
            let status = match axum::body::to_bytes(request.into_body(), usize::MAX).await {
                Ok(_) => 200,
                Err(_) => 418,
            };
            Ok::<_, Infallible>(Response::builder().status(status).body(Body::empty()).unwrap())
        });
        let limit = BodyLimit { bytes_max: 10, frame_timeout: Duration::from_secs(10) };
        let service = super::super::step::layer(limit).layer(handler);
        let Ok(response) = service.oneshot(Request::new(body)).await;
        response.status().as_u16()
    }

    /// A body whose length is not known before it ends.
    struct Pieces(std::slice::Iter<'static, &'static str>);

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.next().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))))
        }
    }

    fn stream(pieces: &'static [&'static str]) -> Body {
        Body::new(Pieces(pieces.iter()))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_bounded_to_the_byte_and_in_time() {
        assert_eq!(status(Body::empty()).await, 200);
        assert_eq!(status(Body::from("0123456789")).await, 200);
        assert_eq!(status(Body::from("0123456789a")).await, 413);
        assert_eq!(status(stream(&["01234", "56789"])).await, 200);
        assert_eq!(status(stream(&["01234", "56789", "a"])).await, 413);
        assert_eq!(status(Body::new(Silent)).await, 408);
    }
}
