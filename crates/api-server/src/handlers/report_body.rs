//! The body of a report, which is written while the client reads it.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};
use http_body::Frame;
use store::{Error, ReportFormat, ReportRequest, ReportRow, ReportText};
use telemetry::with_causes;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tokio::task::JoinHandle;

use super::BookReader;
use crate::problem::{Kind, Problem};
use crate::representation::CACHE_CONTROL;

/// Reports that are written at once: each holds a connection and a snapshot of the database.
const REPORTS_MAX: usize = 2;
static REPORTS: Semaphore = Semaphore::const_new(REPORTS_MAX);
/// Keys that read one: each has at most one, so that no key keeps the others waiting.
static READERS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
/// `Retry-After` of one more, in seconds.
const RETRY_AFTER_S: u64 = 5;

/// Text of a report on its way.
struct ReportBody {
    text: ReportText,
    /// The head, and the first rows.
    first: Option<Bytes>,
    pages: mpsc::Receiver<Vec<ReportRow>>,
    /// Reads the rows; `None` once it is known how that ended.
    reading: Option<JoinHandle<Result<(), Error>>>,
}

/// The right to read a report, until it is dropped.
pub(super) struct ReportPermit {
    _permit: SemaphorePermit<'static>,
    reader: String,
}

/// The right to read a report, if no other one of the reader and not too many of others are read.
pub(super) fn permit(reader: &BookReader) -> Result<ReportPermit, Problem> {
    let overloaded = || {
        let problem = Problem::new(Kind::Overloaded, "too many reports are being read at this time");
        problem.retry_after_s(RETRY_AFTER_S)
    };
    let permit = REPORTS.try_acquire().map_err(|_| overloaded())?;
    let is_first = READERS.lock().unwrap_or_else(PoisonError::into_inner).insert(reader.name.clone());
    if is_first {
        Ok(ReportPermit { _permit: permit, reader: reader.name.clone() })
    } else {
        Err(overloaded())
    }
}

impl Drop for ReportPermit {
    fn drop(&mut self) {
        READERS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.reader);
    }
}

/// Responds once the first rows are read, so that an error before them has a status. A later one ends the response early.
pub(super) async fn respond(
    reader: BookReader,
    request: ReportRequest,
    format: ReportFormat,
) -> Result<Response, Problem> {
    let permit = permit(&reader)?;
    let (mut text, name) = (ReportText::new(format, &request, None), request.kind);
    let (sender, mut pages) = mpsc::channel(1);
    let reading = tokio::spawn(async move {
        let _permit = permit;
        reader.store.report(&reader.accounts, &request, sender).await
    });
    let Some(rows) = pages.recv().await else {
        return Err(match reading.await {
            Ok(Err(error)) => error.into(),
            Ok(Ok(())) | Err(_) => Problem::new(Kind::Internal, "reading the report failed"),
        });
    };
    let rows = page(&mut text, &rows)?;
    let first = Some(format!("{}{rows}", text.head()).into());
    let mut response = Response::new(Body::new(ReportBody { text, first, pages, reading: Some(reading) }));
    let content_type = match format {
        ReportFormat::Json => "application/json",
        ReportFormat::Csv => "text/csv; charset=utf-8; header=present",
        ReportFormat::Jsonl => "application/jsonl",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    if format != ReportFormat::Json {
        let disposition = format!("attachment; filename=\"{name}.{format}\"");
        headers.extend(
            HeaderValue::try_from(disposition).ok().map(|value| (header::CONTENT_DISPOSITION, value)),
        );
    }
    Ok(response)
}

fn page(text: &mut ReportText, rows: &[ReportRow]) -> Result<String, Problem> {
    text.page(rows)
        .map_err(|error| Problem::new(Kind::Internal, "writing the report failed").caused_by(&error))
}

impl http_body::Body for ReportBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if let Some(rows) = ready!(self.pages.poll_recv(context)) {
            let text = self.text.page(&rows).map_err(std::io::Error::other);
            return Poll::Ready(Some(text.map(|text| Frame::data(text.into()))));
        }
        let Some(reading) = &mut self.reading else { return Poll::Ready(None) };
        let outcome = ready!(Pin::new(reading).poll(context));
        self.reading = None;
        Poll::Ready(Some(match outcome.map_err(std::io::Error::other) {
            Ok(Ok(())) => Ok(Frame::data(Bytes::from_static(self.text.tail().as_bytes()))),
            Ok(Err(error)) => {
                tracing::error!(error = with_causes(&error), "a report ended early");
                Err(std::io::Error::other(error))
            }
            Err(error) => Err(error),
        }))
    }
}
