//! The hour once more, through the real server and its database: streams that break, a server that is killed, the same
//! events by webhook too. In the end each event is one row, and the money that they tell of is booked once.

use std::time::{Duration, Instant};

use tests::Server;
use tests::alpaca::{Behaviour, FakeAlpaca, Feed, KEY_ID, KEY_SECRET, Mishap, Play};
use tests::database::Database;
use tests::providers::{Providers, now};
use tests::volley::volley_until_acknowledged;

use crate::chance::Chance;
use crate::hour::{Planned, plan, weather};
use crate::stage::settle;

/// How long each server lives: pauses between its connections are a second and more.
const LIFE: Duration = Duration::from_secs(6);
/// Longest wait for what is left when nothing goes wrong any more.
const REST_WAIT: Duration = Duration::from_secs(180);
/// Pause between two looks at what is left.
const LOOK_PAUSE: Duration = Duration::from_millis(500);
/// Pause of the relay between two events.
const RELAY_PAUSE: Duration = Duration::from_millis(30);
/// Events that the relay posts in one life of a server.
const RELAYED: usize = 60;
const HOUR_MS: i64 = 3_600_000;

/// How much of an hour, and how badly it goes.
struct Hour {
    seed: u64,
    /// Events of all five streams.
    events: usize,
    /// Times that the server is killed.
    kills: u32,
}

struct Stage<'a> {
    providers: Providers,
    broker: FakeAlpaca,
    database: &'a Database,
}

impl<'a> Stage<'a> {
    fn on(database: &'a Database) -> Self {
        Self { providers: Providers::new(), broker: FakeAlpaca::start(), database }
    }

    fn start(&self) -> Server {
        self.providers
            .options()
            .set("DATABASE_URL", self.database.url())
            .set("ALPACA_EVENTS_ENABLED", "true")
            .set("ALPACA_EVENTS_BASE_URL", self.broker.base_url())
            .set("ALPACA_EVENTS_STREAMS", "trades,account_status,journals,funding,activities")
            .set("ALPACA_API_KEY", KEY_ID)
            .set("ALPACA_API_SECRET", KEY_SECRET)
            .start()
    }

    fn kept(&self) -> i64 {
        self.database.number("SELECT COUNT(*) FROM webhook_events")
    }

    /// Bad weather for the first connections, in which some events are left out for certain.
    fn cloud_over(&self, chance: &mut Chance, events: usize) {
        let leaves_out = Play::well().then(20, Mishap::Drop(10));
        self.broker.next(Feed::Trades, [Behaviour::Play(leaves_out)]);
        for feed in Feed::ALL {
            self.broker.next(feed, (0..40).map(|_| weather::connection(chance, events / 10)));
        }
    }
}

#[test]
fn an_hour_of_streams_ends_in_one_row_and_one_effect_for_each_event_on_sqlite() {
    let place = tempfile::tempdir().unwrap();
    passes(&Hour { seed: 10, events: 4_000, kills: 4 }, &Database::sqlite_in(place.path()));
}

#[test]
fn an_hour_of_streams_ends_in_one_row_and_one_effect_for_each_event_on_postgres() {
    passes(&Hour { seed: 11, events: 2_000, kills: 3 }, &Database::on_postgres());
}

fn passes(hour: &Hour, database: &Database) {
    let stage = Stage::on(database);
    let mut chance = Chance::seeded(hour.seed);
    let planned = plan(&mut chance, hour.events, now().as_millisecond() - HOUR_MS - 300_000);
    stage.cloud_over(&mut chance, hour.events);
    std::thread::scope(|scope| {
        scope.spawn(|| publish(&stage.broker, &planned, LIFE * hour.kills));
        for life in 0..hour.kills as usize {
            let server = stage.start();
            relay(&stage, &server, &planned, life);
            // With SIGKILL.
            drop(server);
            database.end_leases();
        }
    });
    stage.broker.behave();
    let server = stage.start();
    wait_for_all(&stage, &server, &planned);
    is_one_row_each(database, &planned);
    is_booked_once(database, &server, &planned);
    went_as_badly_as_meant(&stage.broker, hour, planned.len());
}

fn went_as_badly_as_meant(broker: &FakeAlpaca, hour: &Hour, events: usize) {
    let over_all = |count: &dyn Fn(Feed) -> usize| Feed::ALL.into_iter().map(count).sum::<usize>();
    let left_out = over_all(&|feed| broker.left_out(feed));
    let sent = over_all(&|feed| broker.sent(feed));
    let connections = over_all(&|feed| broker.connections(feed));
    eprintln!(
        "{events} events, sent {sent} times over {connections} connections, {left_out} left out, {} kills: each kept once",
        hour.kills
    );
    assert!(left_out > 0, "the broker left events out");
    // Every server reads again what the one before it was told last.
    assert!(sent > events + events / 10, "{sent} were sent for {events}");
}

/// The hour, in the time of all lives together.
fn publish(broker: &FakeAlpaca, planned: &[Planned], lasts: Duration) {
    let (begun, begins_ms) = (Instant::now(), planned[0].published_ms);
    for event in planned {
        let share = (event.published_ms - begins_ms) as f64 / (HOUR_MS + 240_000) as f64;
        std::thread::sleep(lasts.mul_f64(share).saturating_sub(begun.elapsed()));
        broker.publish(event.feed, &event.id, &event.json);
    }
}

/// While a server lives, a relay posts some of the same events to it: before or after their streams bring them.
fn relay(stage: &Stage, server: &Server, planned: &[Planned], life: usize) {
    let begun = Instant::now();
    for event in planned.iter().skip(life * 97).step_by(planned.len() / RELAYED) {
        let kind = match event.feed {
            Feed::Trades => "trade",
            Feed::AccountStatus => "account",
            Feed::Journals => "journal",
            Feed::Funding => "transfer",
            Feed::Activities => "activity",
        };
        let posted = stage.providers.alpaca(kind, event.json.clone());
        drop(volley_until_acknowledged(&[server.address()], &[posted], 1));
        std::thread::sleep(RELAY_PAUSE);
    }
    std::thread::sleep(LIFE.saturating_sub(begun.elapsed()));
}

fn wait_for_all(stage: &Stage, server: &Server, planned: &[Planned]) {
    let begun = Instant::now();
    while stage.kept() < i64::try_from(planned.len()).unwrap() {
        let (kept, log) = (stage.kept(), server.log());
        assert!(begun.elapsed() < REST_WAIT, "{kept} of {}; log:\n{log}", planned.len());
        std::thread::sleep(LOOK_PAUSE);
    }
    settle(server, stage.database);
}

fn is_one_row_each(database: &Database, planned: &[Planned]) {
    let rows = database.rows("SELECT dedupe_key, transport, channel FROM webhook_events ORDER BY dedupe_key");
    let mut kept: Vec<&str> = rows.iter().map(|row| row[0].rsplit('/').next().unwrap()).collect();
    let mut ids: Vec<&str> = planned.iter().map(|event| event.id.as_str()).collect();
    kept.sort_unstable();
    ids.sort_unstable();
    assert_eq!(kept, ids, "neither a gap nor a double nor a stranger");
    let transports = |name: &str| rows.iter().filter(|row| row[1] == name).count();
    assert!(transports("stream") > planned.len() / 2, "most came by their streams");
    assert!(transports("webhook") > 0, "some came by the relay first");
    let channels: std::collections::BTreeSet<&str> = rows.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(channels.len(), 5, "{channels:?}");
}

/// Each activity is a deposit of ten dollars, and nothing else of the hour moves money.
fn is_booked_once(database: &Database, server: &Server, planned: &[Planned]) {
    let deposits = planned.iter().filter(|event| event.feed == Feed::Activities).count();
    let booked = database.number("SELECT SUM(minor) FROM ledger_entries WHERE holder IS NOT NULL");
    assert_eq!(booked, i64::try_from(deposits).unwrap() * 1_000);
    assert_eq!(database.number("SELECT SUM(minor) FROM ledger_entries"), 0);
    assert_eq!(database.number("SELECT COUNT(*) FROM webhook_work WHERE state = 'dead'"), 0);
    let checked = server.read("/api/admin/audit/verify");
    assert_eq!(checked["is_whole"], true, "{checked}");
}
