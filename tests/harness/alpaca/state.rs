//! What was published, what the fake is to do, and what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::watch;

use super::feed::Feed;
use super::script::Behaviour;

#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) json: Arc<str>,
}

pub(super) struct State {
    inner: Mutex<Inner>,
    /// Increments with everything that connections wait for.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    feeds: BTreeMap<Feed, FeedState>,
    accepted_authorization: String,
}

#[derive(Default)]
struct FeedState {
    events: Vec<Event>,
    always: Option<Behaviour>,
    next: VecDeque<Behaviour>,
    since_ids: Vec<Option<String>>,
    open_connections: usize,
    events_sent: usize,
    events_dropped: usize,
}

impl State {
    pub(super) fn accepting(key_id: &str, secret: &str) -> Self {
        let state = Self { inner: Mutex::default(), changes: watch::Sender::new(0) };
        state.accept_key(key_id, secret);
        state
    }

    pub(super) fn accept_key(&self, key_id: &str, secret: &str) {
        let credentials = BASE64_STANDARD.encode(format!("{key_id}:{secret}"));
        self.lock().accepted_authorization = format!("Basic {credentials}");
    }

    pub(super) fn accepts(&self, authorization: &str) -> bool {
        self.lock().accepted_authorization == authorization
    }

    pub(super) fn publish(&self, feed: Feed, id: &str, json: &str) {
        self.with(feed, |feed| feed.events.push(Event { id: id.to_owned(), json: json.into() }));
        self.notify();
    }

    pub(super) fn always(&self, feed: Feed, behaviour: Behaviour) {
        self.with(feed, |feed| feed.always = Some(behaviour));
    }

    pub(super) fn next(&self, feed: Feed, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.with(feed, |feed| feed.next.extend(behaviours));
    }

    pub(super) fn clear_faults(&self) {
        for feed in self.lock().feeds.values_mut() {
            feed.always = None;
            feed.next.clear();
        }
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Records a request and returns what to do.
    pub(super) fn record(&self, feed: Feed, since: Option<String>) -> Behaviour {
        self.with(feed, |feed| {
            feed.since_ids.push(since);
            feed.next.pop_front().or_else(|| feed.always.clone()).unwrap_or_default()
        })
    }

    /// The events from `since` on, sorted by id, and the number of all events.
    pub(super) fn history(&self, feed: Feed, since: Option<&str>) -> (Vec<Event>, usize) {
        self.with(feed, |feed| {
            let is_requested = |event: &&Event| since.is_some_and(|since| event.id.as_str() >= since);
            let mut events: Vec<Event> = feed.events.iter().filter(is_requested).cloned().collect();
            events.sort_by(|left, right| left.id.cmp(&right.id));
            (events, feed.events.len())
        })
    }

    /// The event at this position in order of publication.
    pub(super) fn event_at(&self, feed: Feed, position: usize) -> Option<Event> {
        self.with(feed, |feed| feed.events.get(position).cloned())
    }

    pub(super) fn connection_opened(&self, feed: Feed) {
        self.with(feed, |feed| feed.open_connections += 1);
    }

    pub(super) fn connection_closed(&self, feed: Feed) {
        self.with(feed, |feed| feed.open_connections -= 1);
    }

    pub(super) fn event_sent(&self, feed: Feed) {
        self.with(feed, |feed| feed.events_sent += 1);
    }

    pub(super) fn event_dropped(&self, feed: Feed) {
        self.with(feed, |feed| feed.events_dropped += 1);
    }

    pub(super) fn since_ids(&self, feed: Feed) -> Vec<Option<String>> {
        self.with(feed, |feed| feed.since_ids.clone())
    }

    pub(super) fn open_connections(&self, feed: Feed) -> usize {
        self.with(feed, |feed| feed.open_connections)
    }

    pub(super) fn events_sent(&self, feed: Feed) -> usize {
        self.with(feed, |feed| feed.events_sent)
    }

    pub(super) fn events_dropped(&self, feed: Feed) -> usize {
        self.with(feed, |feed| feed.events_dropped)
    }

    fn notify(&self) {
        self.changes.send_modify(|change| *change += 1);
    }

    fn with<T>(&self, feed: Feed, act: impl FnOnce(&mut FeedState) -> T) -> T {
        act(self.lock().feeds.entry(feed).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no thread panics while it holds the lock")
    }
}
