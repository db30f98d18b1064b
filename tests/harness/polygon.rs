//! A fake of Polygon (Massive): an HTTP server on a free loopback port, with every fault a script can ask for.
//!
//! It serves generated bars for the symbols that it knows, counts calls by route and records every request head.
//!
//! ```no_run
//! use tests::polygon::{Behaviour, FakePolygon, Route};
//!
//! let vendor = FakePolygon::start();
//! vendor.next(Route::Bars, [Behaviour::Status(500)]);
//! // … point the client at vendor.base_url(), call it twice …
//! assert_eq!(vendor.calls(Route::Bars), 2);
//! ```

mod documents;
mod respond;
mod script;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use crate::loopback::Loopback;

use script::Script;
pub use script::{Behaviour, Head, Route};

pub struct FakePolygon {
    server: Loopback,
    script: Arc<Script>,
}

impl FakePolygon {
    /// Starts a fake without faults that accepts any bearer key and knows AAPL, AMPB, AMpB, FB, GOOG, IBM, MSFT and SPY.
    pub fn start() -> Self {
        let script = Arc::new(Script::default());
        let served = Arc::clone(&script);
        let server = Loopback::start(move |listener| async move {
            axum::serve(listener, Router::new().fallback(respond::respond).with_state(served)).await
        });
        Self { server, script }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Applies to every call of `route` from now on.
    pub fn always(&self, route: Route, behaviour: Behaviour) {
        self.script.always(route, behaviour);
    }

    /// Applies to the next calls of `route`, one each, then as before.
    pub fn next(&self, route: Route, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.script.next(route, behaviours);
    }

    /// Applies to every route from now on.
    pub fn everywhere(&self, behaviour: &Behaviour) {
        Route::ALL.iter().for_each(|route| self.always(*route, behaviour.clone()));
    }

    /// Responds with 429 after `calls` calls of all routes in any `window`.
    pub fn limit(&self, calls: usize, window: Duration, retry_after_s: Option<u64>) {
        self.script.limit(calls, window, retry_after_s);
    }

    /// Waits so long before each response.
    pub fn delay(&self, delay: Duration) {
        self.script.delay(delay);
    }

    /// Accepts these keys and responds to others with 401.
    pub fn accept_keys(&self, keys: &[&str]) {
        self.script.accept_keys(keys);
    }

    /// Knows every symbol from now on.
    pub fn know_all(&self) {
        self.script.know_all();
    }

    pub fn calls(&self, route: Route) -> usize {
        self.script.calls(route)
    }

    pub fn calls_total(&self) -> usize {
        Route::ALL.iter().map(|route| self.calls(*route)).sum()
    }

    /// The head of every request so far, in order.
    pub fn heads(&self) -> Vec<Head> {
        self.script.heads()
    }
}
