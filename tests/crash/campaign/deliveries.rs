//! The deliveries between kills: new events, unacknowledged ones, and copies of acknowledged ones.

use std::collections::{BTreeMap, BTreeSet};

use tests::events::{AlpacaAccount, Trade};
use tests::providers::{Providers, SignedRequest, now};
use tests::random::Random;

/// One of so many deliveries is a copy of an acknowledged one.
const COPY_EVERY: u64 = 10;
/// In use at a time.
const ACCOUNTS: usize = 20;
/// Events until the accounts change, so that no holding grows without bound.
const GENERATION: usize = 2000;

/// A deposit of one dollar, or a purchase of one share for one dollar, in turn.
struct Event {
    kind: &'static str,
    body: String,
}

/// Every event so far, and the acknowledged ones' ids.
pub(crate) struct Deliveries<'a> {
    providers: &'a Providers,
    events: Vec<Event>,
    acknowledged: BTreeMap<usize, String>,
    pub(crate) random: Random,
}

impl<'a> Deliveries<'a> {
    pub(crate) fn new(providers: &'a Providers, seed: u64) -> Self {
        Self { providers, events: Vec::new(), acknowledged: BTreeMap::new(), random: Random::from_seed(seed) }
    }

    /// The next events to send, by number.
    pub(crate) fn next(&mut self, count: usize) -> Vec<usize> {
        let mut events = self.unacknowledged();
        events.truncate(count / 2);
        while events.len() < count {
            let is_copy = !self.acknowledged.is_empty() && self.random.once_in(COPY_EVERY);
            let number = if is_copy { self.any_acknowledged() } else { self.create() };
            events.push(number);
        }
        events
    }

    fn any_acknowledged(&mut self) -> usize {
        let position = self.random.index(self.events.len());
        let after = self.acknowledged.range(position..).next();
        *after.or_else(|| self.acknowledged.iter().next()).unwrap().0
    }

    fn create(&mut self) -> usize {
        let number = self.events.len();
        let account = AlpacaAccount::named(&format!("kill {} {}", number / GENERATION, number % ACCOUNTS));
        let name = format!("event {number}");
        let event = match (number / ACCOUNTS) % 2 {
            0 => Event { kind: "nta", body: account.entry(now(), &name, "CSD", "1.00", "executed") },
            _ => Event { kind: "trade", body: account.trade(now(), &purchase(&name)) },
        };
        self.events.push(event);
        number
    }

    /// The events, signed now.
    pub(crate) fn signed(&self, numbers: &[usize]) -> Vec<SignedRequest> {
        let sign = |number: &usize| {
            let event = &self.events[*number];
            self.providers.alpaca(event.kind, event.body.clone())
        };
        numbers.iter().map(sign).collect()
    }

    /// Records the event's id, which must never change.
    pub(crate) fn acknowledge(&mut self, number: usize, id: String) {
        let before = self.acknowledged.insert(number, id.clone());
        assert!(
            before.as_ref().is_none_or(|before| *before == id),
            "event {number} was {before:?} and is {id}"
        );
    }

    pub(crate) fn is_acknowledged(&self, number: usize) -> bool {
        self.acknowledged.contains_key(&number)
    }

    /// The ids of the acknowledged events.
    pub(crate) fn acknowledged(&self) -> BTreeSet<&str> {
        self.acknowledged.values().map(String::as_str).collect()
    }

    pub(crate) fn unacknowledged(&self) -> Vec<usize> {
        (0..self.events.len()).filter(|number| !self.acknowledged.contains_key(number)).collect()
    }
}

fn purchase(order: &str) -> Trade<'_> {
    Trade {
        event: "fill",
        order,
        side: "buy",
        symbol: "AAPL",
        qty: "1",
        filled: Some(("1", "1.00")),
        execution: Some(("1", "1.00")),
        limit: None,
    }
}
