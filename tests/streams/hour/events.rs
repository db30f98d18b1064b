//! What happens in the hour: who, when, and when the broker tells of it.

use tests::alpaca::Feed;
use tests::events::{AlpacaAccount, Trade, ulid};

use crate::chance::Chance;

/// How the events of an hour fall to the five streams, in percent.
const SHARES: [(Feed, usize); 5] = [
    (Feed::Trades, 40),
    (Feed::AccountStatus, 12),
    (Feed::Journals, 12),
    (Feed::Funding, 12),
    (Feed::Activities, 24),
];
const ACCOUNTS: usize = 40;
const HOUR_MS: i64 = 3_600_000;
/// Longest time after which the broker tells of an event, and so how much later than its id it can come.
const LATE_MAX_MS: u64 = 4 * 60_000;

/// An event to be published.
pub(crate) struct Planned {
    pub(crate) feed: Feed,
    pub(crate) account: usize,
    pub(crate) id: String,
    pub(crate) json: String,
    pub(crate) published_ms: i64,
}

/// So many events of the hour that begins then, in the order in which they are published: of one account in order of their ids, across accounts not.
pub(crate) fn plan(chance: &mut Chance, events: usize, begins_ms: i64) -> Vec<Planned> {
    let mut planned: Vec<Planned> = SHARES
        .into_iter()
        .flat_map(|(feed, share)| of_feed(feed, events * share / 100, begins_ms, chance))
        .collect();
    planned.sort_by_key(|event| event.published_ms);
    planned
}

fn of_feed(feed: Feed, count: usize, begins_ms: i64, chance: &mut Chance) -> Vec<Planned> {
    let mut moments: Vec<i64> = (0..count).map(|_| begins_ms + moment(chance)).collect();
    moments.sort_unstable();
    let mut last_at = [0; ACCOUNTS];
    let mut last_published = [0; ACCOUNTS];
    let mut planned = Vec::with_capacity(count);
    for (number, moment) in moments.into_iter().enumerate() {
        let account = chance.small(ACCOUNTS);
        // An account's events are a millisecond apart: within one, ids order at random.
        let at_ms = moment.max(last_at[account] + 1);
        let late_ms = if chance.once_in(10) { chance.below(LATE_MAX_MS) } else { chance.below(50) };
        let published_ms = (at_ms + i64::try_from(late_ms).unwrap()).max(last_published[account]);
        (last_at[account], last_published[account]) = (at_ms, published_ms);
        let (id, json) = event(feed, account, at_ms, number);
        planned.push(Planned { feed, account, id, json, published_ms });
    }
    planned
}

/// One in four falls on a full second, so that many share a millisecond.
fn moment(chance: &mut Chance) -> i64 {
    let ms = i64::try_from(chance.below(HOUR_MS.unsigned_abs())).unwrap();
    if chance.once_in(4) { ms - ms % 1000 } else { ms }
}

fn event(feed: Feed, account: usize, at_ms: i64, number: usize) -> (String, String) {
    let at = jiff::Timestamp::from_millisecond(at_ms).unwrap();
    let account = AlpacaAccount::named(&account.to_string());
    let name = number.to_string();
    let json = match feed {
        Feed::Trades => account.trade(
            at,
            &Trade {
                event: "new",
                order: &name,
                side: "buy",
                symbol: "AAPL",
                qty: "1",
                filled: None,
                execution: None,
                limit: None,
            },
        ),
        Feed::AccountStatus => account.status(at, "SUBMITTED", "ACTIVE"),
        Feed::Journals => account.journal(at, &name, "queued", "executed"),
        Feed::Funding => account.transfer(at, &name, "QUEUED", "COMPLETE"),
        Feed::Activities => account.activity(at, &name, "CSD", "10.00"),
    };
    let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
    let id = if feed == Feed::AccountStatus { &parsed["event_ulid"] } else { &parsed["event_id"] };
    let id = id.as_str().unwrap().to_owned();
    // The time within the id is the event's own: the ids of one account are in order.
    assert_eq!(id.as_bytes()[..10], ulid(at, "").as_bytes()[..10]);
    (id, json)
}
