//! What is sent between kills: new events, events that were never acknowledged, and some that were.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use tests::events::{AlpacaAccount, Trade};
use tests::providers::{Providers, SignedRequest, now};

/// Every so many deliveries is a copy of one that was acknowledged.
const COPY_EVERY: u64 = 10;
/// Accounts that events of one moment go to.
const ACCOUNTS: usize = 20;
/// Events after which accounts are new ones, so that no holding grows without bound.
const GENERATION: usize = 2000;

/// One event: deposits of one dollar, and purchases of one share for one dollar, in turns.
struct Event {
    kind: &'static str,
    body: String,
}

/// Every event so far, and what became of it.
pub(crate) struct Deliveries<'a> {
    providers: &'a Providers,
    events: Vec<Event>,
    acknowledged: BTreeMap<usize, String>,
    dice: u64,
}

impl<'a> Deliveries<'a> {
    pub(crate) fn new(providers: &'a Providers, seed: u64) -> Self {
        Self { providers, events: Vec::new(), acknowledged: BTreeMap::new(), dice: seed.max(1) }
    }

    /// A number that looks random and is the same every time (xorshift, Marsaglia 2003).
    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        range.start + self.dice % (range.end - range.start)
    }

    /// The next events to offer, by number.
    pub(crate) fn next(&mut self, count: usize) -> Vec<usize> {
        let mut offered = self.unacknowledged();
        offered.truncate(count / 2);
        while offered.len() < count {
            let is_copy = !self.acknowledged.is_empty() && self.within(0..COPY_EVERY) == 0;
            let number = if is_copy { self.any_acknowledged() } else { self.make() };
            offered.push(number);
        }
        offered
    }

    fn any_acknowledged(&mut self) -> usize {
        let position = self.within(0..self.events.len() as u64);
        let after = self.acknowledged.range(usize::try_from(position).unwrap()..).next();
        *after.or_else(|| self.acknowledged.iter().next()).unwrap().0
    }

    fn make(&mut self) -> usize {
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

    /// Notes that the server took responsibility for it, under this id, which never changes.
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

    /// The ids under which the server said that it keeps them.
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
