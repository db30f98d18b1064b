//! Requests to other hosts: base URLs, the HTTP client, the proxy, bounded response bodies, and pauses between retries.
//!
//! Paths, headers, keys, timeouts and bounds are arguments.
//!
//! ```
//! # use std::time::Duration;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let base_url: outbound::BaseUrl = "https://api.example.com".parse()?;
//! let proxy = outbound::Proxy::none();
//! let client = outbound::client_builder(Duration::from_secs(2), &proxy).timeout(Duration::from_secs(5)).build()?;
//! # drop(client);
//! assert!("http://api.example.com".parse::<outbound::BaseUrl>().is_err(), "keys would be sent unencrypted");
//! # Ok(())
//! # }
//! ```

mod base_url;
mod body;
mod proxy;

use std::time::Duration;

use backon::ExponentialBuilder;
use reqwest::ClientBuilder;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;

pub use base_url::{BaseUrl, BaseUrlError};
pub use body::{BodyError, read_body};
pub use proxy::{Proxy, ProxyError};

/// A client with this connect timeout and proxy, without redirects. Unless the caller changes that, it refuses URLs without
/// TLS.
pub fn client_builder(connect_timeout: Duration, proxy: &Proxy) -> ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("investiq/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_timeout)
        // A redirect would send the key to another host.
        .redirect(Policy::none())
        // The variables of the environment were read once, for all clients.
        .no_proxy()
        .referer(false)
        .https_only(true);
    match proxy.client() {
        Some(proxy) => builder.proxy(proxy),
        None => builder,
    }
}

/// Endless pauses between retries: they double from `first` to `longest`, and each is shortened at random by up to half, so
/// that clients that failed together do not retry together.
#[must_use]
pub fn backoff(first: Duration, longest: Duration) -> ExponentialBuilder {
    // The library adds a random part of up to 100 %.
    ExponentialBuilder::new()
        .with_min_delay(first / 2)
        .with_max_delay(longest / 2)
        .without_max_times()
        .with_jitter()
}

/// The wait of a `Retry-After` header, when it is a number of seconds; its other form, a date, is ignored.
#[must_use]
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use backon::BackoffBuilder;

    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut pauses = backoff(Duration::from_secs(1), Duration::from_secs(60)).build();
        for whole_s in [1, 2, 4, 8, 16, 32, 60, 60].into_iter().chain([60; 1000]) {
            let whole = Duration::from_secs(whole_s);
            let pause = pauses.next().unwrap();
            assert!((whole / 2..=whole).contains(&pause), "{pause:?} of {whole:?}");
        }
    }

    #[test]
    fn pauses_differ() {
        let pause = || backoff(Duration::from_secs(1), Duration::from_secs(60)).build().next();
        let first = pause();
        assert!((0..50).any(|_| pause() != first));
    }
}
