//! A fake of the broker's event streams: server-sent events on a free loopback port, with every fault a script can ask for.
//!
//! It stores what is published and sends it on every connection: first the history from the requested id on, sorted by id,
//! then new events as they are published. It checks the path, the one parameter that resumes the stream, and the key.
//!
//! ```no_run
//! use tests::alpaca::{Behaviour, FakeAlpaca, Fault, Feed, Script};
//!
//! let broker = FakeAlpaca::start();
//! broker.next(Feed::Trades, [Behaviour::Status { status: 500, retry_after_s: None }]);
//! broker.next(Feed::Trades, [Behaviour::Stream(Script::default().after(3, Fault::Cut))]);
//! // … point a client at broker.base_url() …
//! broker.publish(Feed::Trades, "01ARYZ6S41TSV4RRFFQ69G5FAV", "{…}");
//! assert_eq!(broker.requests(Feed::Trades), 3);
//! ```

mod feed;
mod respond;
mod script;
mod state;
mod style;

use std::sync::Arc;

use axum::Router;

use crate::loopback::Loopback;

pub use feed::Feed;
pub use script::{Behaviour, Fault, Script};
use state::State;
pub use style::{LineEnd, Style};

/// The key that a fake accepts from the start.
pub const KEY_ID: &str = "CKFAKE000000000001";
pub const KEY_SECRET: &str = "fake-broker-secret-Wm3Xc6Vb9Nn2Ll5Kk7";

pub struct FakeAlpaca {
    server: Loopback,
    state: Arc<State>,
}

impl FakeAlpaca {
    /// Starts a fake without faults, with one key and no events.
    pub fn start() -> Self {
        let state = Arc::new(State::accepting(KEY_ID, KEY_SECRET));
        let served = Arc::clone(&state);
        let server = Loopback::start(move |listener| async move {
            axum::serve(listener, Router::new().fallback(respond::respond).with_state(served)).await
        });
        Self { server, state }
    }

    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Sends an event on every open connection to `feed`, and to later requests for its history.
    pub fn publish(&self, feed: Feed, id: &str, json: &str) {
        self.state.publish(feed, id, json);
    }

    /// Applies to every connection to `feed` from now on.
    pub fn always(&self, feed: Feed, behaviour: Behaviour) {
        self.state.always(feed, behaviour);
    }

    /// Applies to the next connections to `feed`, one each, then as before.
    pub fn next(&self, feed: Feed, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.state.next(feed, behaviours);
    }

    /// Removes every scripted behaviour. Open connections go on as they began.
    pub fn clear_faults(&self) {
        self.state.clear_faults();
    }

    /// Accepts this key and no other.
    pub fn accept_key(&self, key_id: &str, secret: &str) {
        self.state.accept_key(key_id, secret);
    }

    /// Requests for `feed` so far, rejected ones included.
    pub fn requests(&self, feed: Feed) -> usize {
        self.state.since_ids(feed).len()
    }

    /// The id from which each request for `feed` resumed, in order; `None` where it asked for no history.
    pub fn since_ids(&self, feed: Feed) -> Vec<Option<String>> {
        self.state.since_ids(feed)
    }

    pub fn open_connections(&self, feed: Feed) -> usize {
        self.state.open_connections(feed)
    }

    /// Events sent in full on all connections to `feed`, repeated ones each time.
    pub fn events_sent(&self, feed: Feed) -> usize {
        self.state.events_sent(feed)
    }

    /// Events that a script dropped so far.
    pub fn events_dropped(&self, feed: Feed) -> usize {
        self.state.events_dropped(feed)
    }
}
