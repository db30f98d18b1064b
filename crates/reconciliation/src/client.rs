//! Requests to a provider's API: bounded, retried, and without text of the provider in errors.

use std::sync::Arc;
use std::time::Duration;

use backon::Retryable;
use outbound::{BaseUrl, Proxy};
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use serde_json::value::RawValue;

use crate::error::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for one response.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);
/// Largest response: 10,000 accounts with their positions.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Retries of one request.
const RETRIES_MAX: usize = 5;
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(20);
/// Longest wait that a provider may ask for: limits count over a minute.
const WAIT_MAX: Duration = Duration::from_secs(60);

/// The header with the API key, loaded for each request, so that a new key needs no restart; `None` without a key.
pub type KeySource = Arc<dyn Fn() -> Option<HeaderValue> + Send + Sync>;

#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base_url: BaseUrl,
    header: HeaderName,
    key: KeySource,
}

impl Client {
    pub(crate) fn new(
        base_url: BaseUrl,
        proxy: &Proxy,
        header: HeaderName,
        key: KeySource,
    ) -> Result<Self, Error> {
        let accept = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]);
        let http = outbound::client_builder(CONNECT_TIMEOUT, proxy)
            .timeout(RESPONSE_TIMEOUT)
            .default_headers(accept)
            .https_only(base_url.is_encrypted())
            .build()
            .map_err(Error::Client)?;
        Ok(Self { http, base_url, header, key })
    }

    /// The JSON at a path. A response that breaks off is requested again.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Box<RawValue>, Error> {
        let policy = outbound::backoff(PAUSE_FIRST, PAUSE_MAX).with_max_times(RETRIES_MAX);
        (|| self.get_once(path, query))
            .retry(policy)
            .sleep(tokio::time::sleep)
            .when(|error| matches!(error, Error::Unavailable { .. }))
            .adjust(|error, pause| match error {
                Error::Unavailable { wait: Some(wait), .. } => pause.map(|pause| pause.max(*wait)),
                _ => pause,
            })
            .await
    }

    async fn get_once(&self, path: &str, query: &[(&str, String)]) -> Result<Box<RawValue>, Error> {
        let refused = |status: u16| Error::Refused { path: path.to_owned(), status };
        let unavailable = |why: String, wait| Error::Unavailable { path: path.to_owned(), why, wait };
        let mut key = (self.key)().ok_or_else(|| refused(StatusCode::UNAUTHORIZED.as_u16()))?;
        key.set_sensitive(true);
        let mut url = self.base_url.to_url();
        url.set_path(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let response = self.http.get(url).header(&self.header, key).send().await;
        let response = response.map_err(|error| unavailable(cause(&error).to_owned(), None))?;
        let status = response.status();
        match status {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED => return Err(refused(status.as_u16())),
            StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::UNPROCESSABLE_ENTITY => {
                return Err(Error::NotAvailable { path: path.to_owned(), status: status.as_u16() });
            }
            StatusCode::TOO_MANY_REQUESTS => {
                let wait = outbound::retry_after(response.headers()).map(|wait| wait.min(WAIT_MAX));
                return Err(unavailable("rate limited (HTTP 429)".to_owned(), wait));
            }
            status if status.is_server_error() => {
                return Err(unavailable(format!("HTTP {}", status.as_u16()), None));
            }
            _ => return Err(Error::NotAsDocumented { path: path.to_owned(), why: "the status must be 200" }),
        }
        let body = outbound::read_body(response, BODY_BYTES_MAX).await;
        let body = body.map_err(|error| unavailable(error.to_string(), None))?;
        serde_json::from_slice(&body).map_err(|_| unavailable("the response is not JSON".to_owned(), None))
    }
}

/// What failed, without the URL.
fn cause(error: &reqwest::Error) -> &'static str {
    match error {
        error if error.is_timeout() => "timed out",
        error if error.is_connect() => "cannot connect",
        _ => "the connection failed",
    }
}
