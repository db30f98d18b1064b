//! What was published, what the fake is to do, and what it has seen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::watch;

use super::feed::Feed;
use super::play::Behaviour;

/// One event as it was published.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) json: Arc<str>,
}

pub(super) struct World {
    state: Mutex<State>,
    /// Moves with everything that connections wait for.
    changes: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    feeds: BTreeMap<Feed, Known>,
    accepted: String,
    hang_ups: u64,
}

/// What there is of one feed.
#[derive(Default)]
struct Known {
    events: Vec<Event>,
    always: Option<Behaviour>,
    next: VecDeque<Behaviour>,
    asked: Vec<Option<String>>,
    open: usize,
    sent: usize,
    left_out: usize,
}

impl World {
    pub(super) fn accepting(key_id: &str, secret: &str) -> Self {
        let world = Self { state: Mutex::default(), changes: watch::Sender::new(0) };
        world.accept(key_id, secret);
        world
    }

    pub(super) fn accept(&self, key_id: &str, secret: &str) {
        self.lock().accepted = format!("Basic {}", BASE64_STANDARD.encode(format!("{key_id}:{secret}")));
    }

    pub(super) fn accepts(&self, authorization: &str) -> bool {
        self.lock().accepted == authorization
    }

    pub(super) fn publish(&self, feed: Feed, id: &str, json: &str) {
        self.with(feed, |known| known.events.push(Event { id: id.to_owned(), json: json.into() }));
        self.changed();
    }

    pub(super) fn always(&self, feed: Feed, behaviour: Behaviour) {
        self.with(feed, |known| known.always = Some(behaviour));
    }

    pub(super) fn next(&self, feed: Feed, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.with(feed, |known| known.next.extend(behaviours));
    }

    pub(super) fn behave(&self) {
        for known in self.lock().feeds.values_mut() {
            known.always = None;
            known.next.clear();
        }
    }

    pub(super) fn hang_up(&self) {
        self.lock().hang_ups += 1;
        self.changed();
    }

    pub(super) fn hang_ups(&self) -> u64 {
        self.lock().hang_ups
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Records a request; gives what to do.
    pub(super) fn record(&self, feed: Feed, since: Option<String>) -> Behaviour {
        self.with(feed, |known| {
            known.asked.push(since);
            known.next.pop_front().or_else(|| known.always.clone()).unwrap_or_default()
        })
    }

    /// What was published from `since` on, by id, and how much was published in all.
    pub(super) fn history(&self, feed: Feed, since: Option<&str>) -> (Vec<Event>, usize) {
        self.with(feed, |known| {
            let asked = |event: &&Event| since.is_some_and(|since| event.id.as_str() >= since);
            let mut events: Vec<Event> = known.events.iter().filter(asked).cloned().collect();
            events.sort_by(|left, right| left.id.cmp(&right.id));
            (events, known.events.len())
        })
    }

    /// The event that was published at this place, when it was.
    pub(super) fn published(&self, feed: Feed, place: usize) -> Option<Event> {
        self.with(feed, |known| known.events.get(place).cloned())
    }

    pub(super) fn opened(&self, feed: Feed) {
        self.with(feed, |known| known.open += 1);
    }

    pub(super) fn closed(&self, feed: Feed) {
        self.with(feed, |known| known.open -= 1);
    }

    pub(super) fn sent_one(&self, feed: Feed) {
        self.with(feed, |known| known.sent += 1);
    }

    pub(super) fn left_one_out(&self, feed: Feed) {
        self.with(feed, |known| known.left_out += 1);
    }

    pub(super) fn asked(&self, feed: Feed) -> Vec<Option<String>> {
        self.with(feed, |known| known.asked.clone())
    }

    pub(super) fn open(&self, feed: Feed) -> usize {
        self.with(feed, |known| known.open)
    }

    pub(super) fn sent(&self, feed: Feed) -> usize {
        self.with(feed, |known| known.sent)
    }

    pub(super) fn left_out(&self, feed: Feed) -> usize {
        self.with(feed, |known| known.left_out)
    }

    fn changed(&self) {
        self.changes.send_modify(|change| *change += 1);
    }

    fn with<T>(&self, feed: Feed, act: impl FnOnce(&mut Known) -> T) -> T {
        act(self.lock().feeds.entry(feed).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics with the world in hand")
    }
}
