//! A fake of the broker's event streams: server-sent events on a free loopback port, with every misbehaviour a script
//! can ask for.
//!
//! It runs on a thread of its own, so that plain tests and async tests use it alike. What is published it keeps, and
//! sends to every connection: first what it kept since the id that was asked for, by id, then what is published, as it
//! is published. It checks what a client asks: the path, the one parameter that the stream is resumed by, the key.
//!
//! ```no_run
//! use tests::alpaca::{Behaviour, FakeAlpaca, Feed, Mishap, Play};
//!
//! let broker = FakeAlpaca::start();
//! broker.next(Feed::Trades, [Behaviour::Status { status: 500, retry_after_s: None }]);
//! broker.next(Feed::Trades, [Behaviour::Play(Play::well().then(3, Mishap::Cut))]);
//! // … point a client at broker.base_url() …
//! broker.publish(Feed::Trades, "01ARYZ6S41TSV4RRFFQ69G5FAV", "{…}");
//! assert_eq!(broker.connections(Feed::Trades), 3);
//! ```

mod answer;
mod feed;
mod play;
mod text;
mod world;

use std::sync::Arc;

use axum::Router;

use crate::loopback::Loopback;

pub use feed::Feed;
pub use play::{Behaviour, Mishap, Play};
pub use text::{LineEnd, Style};
use world::World;

/// The key id that a fake accepts from the start.
pub const KEY_ID: &str = "CKFAKE000000000001";
/// The secret to go with it.
pub const KEY_SECRET: &str = "fake-broker-secret-Wm3Xc6Vb9Nn2Ll5Kk7";

/// A running fake; it ends when it is dropped.
pub struct FakeAlpaca {
    server: Loopback,
    world: Arc<World>,
}

impl FakeAlpaca {
    /// Starts a fake that behaves well, accepts one key and has published nothing.
    ///
    /// # Panics
    /// When it cannot listen.
    #[must_use]
    pub fn start() -> Self {
        let world = Arc::new(World::accepting(KEY_ID, KEY_SECRET));
        let served = Arc::clone(&world);
        let server = Loopback::start(move |listener| async move {
            axum::serve(listener, Router::new().fallback(answer::answer).with_state(served)).await
        });
        Self { server, world }
    }

    /// What to configure as the broker's base URL.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Something happened: every connection to `feed` is told, and those that ask for it later.
    pub fn publish(&self, feed: Feed, id: &str, json: &str) {
        self.world.publish(feed, id, json);
    }

    /// Behaves so on every connection to `feed` from now on.
    pub fn always(&self, feed: Feed, behaviour: Behaviour) {
        self.world.always(feed, behaviour);
    }

    /// Behaves so on the next connections to `feed`, one each, then as before.
    pub fn next(&self, feed: Feed, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.world.next(feed, behaviours);
    }

    /// Behaves well on every connection from now on, whatever was scripted. What has begun goes on.
    pub fn behave(&self) {
        self.world.behave();
    }

    /// Accepts this key and no other.
    pub fn accept(&self, key_id: &str, secret: &str) {
        self.world.accept(key_id, secret);
    }

    /// Breaks every open connection.
    pub fn hang_up(&self) {
        self.world.hang_up();
    }

    /// Requests for `feed` so far, refused ones included.
    #[must_use]
    pub fn connections(&self, feed: Feed) -> usize {
        self.world.asked(feed).len()
    }

    /// The id that each request for `feed` asked to begin at, in order; `None` where it asked for no history.
    #[must_use]
    pub fn asked(&self, feed: Feed) -> Vec<Option<String>> {
        self.world.asked(feed)
    }

    /// Connections to `feed` that are open now.
    #[must_use]
    pub fn open(&self, feed: Feed) -> usize {
        self.world.open(feed)
    }

    /// Events sent whole on all connections to `feed`, repeated ones each time.
    #[must_use]
    pub fn sent(&self, feed: Feed) -> usize {
        self.world.sent(feed)
    }

    /// Events left out so far because a script said so.
    #[must_use]
    pub fn left_out(&self, feed: Feed) -> usize {
        self.world.left_out(feed)
    }
}
