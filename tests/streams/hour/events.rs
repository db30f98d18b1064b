//! The events of the hour: which account, when, and when the broker publishes them.

use tests::alpaca::Feed;
use tests::events::{AlpacaAccount, Trade, ulid};

use tests::random::Random;

/// Each stream's share of the events, in percent.
const SHARES: [(Feed, usize); 5] = [
    (Feed::Trades, 40),
    (Feed::AccountStatus, 12),
    (Feed::Journals, 12),
    (Feed::Funding, 12),
    (Feed::Activities, 24),
];
const ACCOUNTS: usize = 40;
const HOUR_MS: i64 = 3_600_000;
/// The broker publishes an event at most so much later than its id says.
const DELAY_MAX_MS: u64 = 4 * 60_000;

pub(crate) struct Planned {
    pub(crate) feed: Feed,
    pub(crate) account: usize,
    pub(crate) id: String,
    pub(crate) json: String,
    pub(crate) published_ms: i64,
}

/// Events in order of publication: sorted by id within an account, not across accounts.
pub(crate) fn plan(random: &mut Random, events: usize, begins_ms: i64) -> Vec<Planned> {
    let mut planned: Vec<Planned> = SHARES
        .into_iter()
        .flat_map(|(feed, share)| of_feed(feed, events * share / 100, begins_ms, random))
        .collect();
    planned.sort_by_key(|event| event.published_ms);
    planned
}

fn of_feed(feed: Feed, count: usize, begins_ms: i64, random: &mut Random) -> Vec<Planned> {
    let mut moments: Vec<i64> = (0..count).map(|_| begins_ms + moment(random)).collect();
    moments.sort_unstable();
    let mut last_at = [0; ACCOUNTS];
    let mut last_published = [0; ACCOUNTS];
    let mut planned = Vec::with_capacity(count);
    for (number, moment) in moments.into_iter().enumerate() {
        let account = random.index(ACCOUNTS);
        // An account's events are a millisecond apart: within one millisecond, ids sort at random.
        let at_ms = moment.max(last_at[account] + 1);
        let delay_ms = if random.once_in(10) { random.below(DELAY_MAX_MS) } else { random.below(50) };
        let published_ms = (at_ms + i64::try_from(delay_ms).unwrap()).max(last_published[account]);
        (last_at[account], last_published[account]) = (at_ms, published_ms);
        let (id, json) = event(feed, account, at_ms, number);
        planned.push(Planned { feed, account, id, json, published_ms });
    }
    planned
}

/// One in four is on a full second, so that many share a millisecond.
fn moment(random: &mut Random) -> i64 {
    let ms = i64::try_from(random.below(HOUR_MS.unsigned_abs())).unwrap();
    if random.once_in(4) { ms - ms % 1000 } else { ms }
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
    // The id has the event's time: the ids of one account are in order.
    assert_eq!(id.as_bytes()[..10], ulid(at, "").as_bytes()[..10]);
    (id, json)
}
