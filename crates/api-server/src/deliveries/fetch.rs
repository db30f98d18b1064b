//! One small document from a host that was decided before: no redirects, little time, few bytes, and not too often.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use governor::clock::{Clock as _, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::HeaderValue;
use http::header::AUTHORIZATION;
use prometheus::IntCounter;

use crate::metrics::Fetches;

/// Longest time for one document, from the first byte sent to the last one read.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest time for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Largest document that is read: a certificate with its chain takes about 8 kB.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// Time in which one more fetch is earned: what all strangers together can make us ask for is this and no more. Each of
/// them has a far smaller share.
const FETCH_PERIOD: Duration = Duration::from_millis(500);
/// Fetches at once after a quiet time.
const FETCH_BURST: std::num::NonZeroU32 = std::num::NonZeroU32::new(32).expect("32 is not 0");
/// Time in which one more fetch of the reserve is earned, and how many there are at once after a quiet time: as much again
/// as all strangers have, for a few documents that are looked at anew once a day.
const RESERVE_PERIOD: Duration = FETCH_PERIOD;
const RESERVE_BURST: std::num::NonZeroU32 = FETCH_BURST;

/// Why a document could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The host says that there is no such document, or what it has is not one.
    #[error("there is no such document")]
    NotThere,
    /// The host does not know us.
    #[error("the host refuses our key")]
    Denied,
    /// The host did not answer as it should.
    #[error("the host does not answer as it should")]
    Away,
    /// Too many were asked for.
    #[error("too many documents were asked for in a short time")]
    Capped {
        /// How long until the next one.
        retry_after_s: u64,
    },
}

/// Who decided that a document is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// Anyone: all strangers share these turns.
    Shared,
    /// Somebody whose turn no stranger can take.
    Reserved,
}

/// Fetches documents of one sort.
#[derive(Debug)]
pub struct Fetcher {
    client: reqwest::Client,
    shared: Turns,
    reserved: Turns,
    fetches: Fetches,
}

type Turns = RateLimiter<
    NotKeyed,
    InMemoryState,
    MonotonicClock,
    NoOpMiddleware<<MonotonicClock as governor::clock::Clock>::Instant>,
>;

impl Fetcher {
    /// Over TLS alone, unless `base` is a loopback address over plain HTTP, as an emulator's is.
    ///
    /// # Errors
    /// The TLS stack cannot be set up.
    pub fn new(base: &str, fetches: Fetches) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("investiq/", env!("CARGO_PKG_VERSION")))
            .timeout(FETCH_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect would lead to a host that nobody decided on.
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .https_only(base.starts_with("https:"))
            .build()?;
        let (shared, reserved) = (turns(FETCH_PERIOD, FETCH_BURST), turns(RESERVE_PERIOD, RESERVE_BURST));
        Ok(Self { client, shared, reserved, fetches })
    }

    /// The document at `url`.
    ///
    /// # Errors
    /// Why it could not be had.
    pub async fn get(&self, url: &str, bearer: Option<HeaderValue>, turn: Turn) -> Result<Bytes, FetchError> {
        self.take(turn)?;
        let outcome = self.read(url, bearer).await;
        self.counter(outcome.as_ref().err()).inc();
        outcome
    }

    fn take(&self, turn: Turn) -> Result<(), FetchError> {
        let turns = match turn {
            Turn::Shared => &self.shared,
            Turn::Reserved => &self.reserved,
        };
        turns.check().map_err(|refusal| {
            self.fetches.capped.inc();
            let wait = refusal.wait_time_from(MonotonicClock.now());
            FetchError::Capped { retry_after_s: wait.as_secs() + 1 }
        })
    }

    fn counter(&self, error: Option<&FetchError>) -> &IntCounter {
        match error {
            None => &self.fetches.fetched,
            Some(FetchError::NotThere) => &self.fetches.not_there,
            Some(FetchError::Denied) => &self.fetches.denied,
            Some(FetchError::Away) => &self.fetches.away,
            Some(FetchError::Capped { .. }) => &self.fetches.capped,
        }
    }

    async fn read(&self, url: &str, bearer: Option<HeaderValue>) -> Result<Bytes, FetchError> {
        let mut request = self.client.get(url);
        if let Some(bearer) = bearer {
            request = request.header(AUTHORIZATION, bearer);
        }
        let mut response = request.send().await.map_err(|error| away(&error))?;
        match response.status().as_u16() {
            200 => {}
            400 | 404 | 410 => return Err(FetchError::NotThere),
            401 | 403 => return Err(FetchError::Denied),
            status => {
                tracing::warn!(status, "a host refuses a document that proves deliveries");
                return Err(FetchError::Away);
            }
        }
        let mut document = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| away(&error))? {
            if document.len() + chunk.len() > DOCUMENT_BYTES_MAX {
                return Err(FetchError::NotThere);
            }
            document.extend_from_slice(&chunk);
        }
        Ok(document.freeze())
    }
}

fn turns(period: Duration, burst: std::num::NonZeroU32) -> Turns {
    let quota = Quota::with_period(period).expect("a period is positive").allow_burst(burst);
    RateLimiter::direct_with_clock(quota, MonotonicClock)
}

/// Said without the address, which may carry a token.
fn away(error: &reqwest::Error) -> FetchError {
    let (is_timeout, is_connect) = (error.is_timeout(), error.is_connect());
    tracing::warn!(is_timeout, is_connect, "a document that proves deliveries cannot be fetched");
    FetchError::Away
}
