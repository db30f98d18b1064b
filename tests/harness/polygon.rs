//! A fake of Polygon (Massive): an HTTP server on a free loopback port, with every misbehaviour a script can ask for.
//!
//! It runs on a thread of its own, so that plain tests and async tests use it alike. It answers for the symbols that it
//! knows with bars of its own making, counts calls by route and records every request head.
//!
//! ```no_run
//! use tests::polygon::{Behaviour, FakePolygon, Route};
//!
//! let vendor = FakePolygon::start();
//! vendor.next(Route::Bars, [Behaviour::Status(500)]);
//! // … point the client at vendor.base_url(), call it twice …
//! assert_eq!(vendor.calls(Route::Bars), 2);
//! ```

mod answer;
mod script;
mod shape;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use crate::loopback::Loopback;

use script::Script;
pub use script::{Behaviour, Head, Route};

/// A running fake; it ends when it is dropped.
pub struct FakePolygon {
    server: Loopback,
    script: Arc<Script>,
}

impl FakePolygon {
    /// Starts a fake that behaves well, accepts any bearer key and knows AAPL, FB, GOOG, IBM, MSFT and SPY.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start() -> Self {
        let script = Arc::new(Script::default());
        let served = Arc::clone(&script);
        let server = Loopback::start(move |listener| async move {
            axum::serve(listener, Router::new().fallback(answer::answer).with_state(served)).await
        });
        Self { server, script }
    }

    /// What to configure as the vendor's base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Behaves so on `route` from now on.
    pub fn always(&self, route: Route, behaviour: Behaviour) {
        self.script.always(route, behaviour);
    }

    /// Behaves so on the next calls of `route`, one each, then as before.
    pub fn next(&self, route: Route, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.script.next(route, behaviours);
    }

    /// Behaves so on every route from now on.
    pub fn everywhere(&self, behaviour: &Behaviour) {
        Route::ALL.iter().for_each(|route| self.always(*route, behaviour.clone()));
    }

    /// Answers 429 after `calls` calls of all routes in any `window`.
    pub fn limit(&self, calls: usize, window: Duration, retry_after_s: Option<u64>) {
        self.script.limit(calls, window, retry_after_s);
    }

    /// Waits so long before each answer.
    pub fn delay(&self, delay: Duration) {
        self.script.delay(delay);
    }

    /// Accepts these keys and answers 401 to others.
    pub fn accept_keys(&self, keys: &[&str]) {
        self.script.accept_keys(keys);
    }

    /// Knows every symbol from now on.
    pub fn know_all(&self) {
        self.script.know_all();
    }

    /// Calls of `route` so far.
    #[must_use]
    pub fn calls(&self, route: Route) -> usize {
        self.script.calls(route)
    }

    /// Calls of all routes so far.
    #[must_use]
    pub fn calls_total(&self) -> usize {
        Route::ALL.iter().map(|route| self.calls(*route)).sum()
    }

    /// The head of every request so far, in order.
    #[must_use]
    pub fn heads(&self) -> Vec<Head> {
        self.script.heads()
    }
}
