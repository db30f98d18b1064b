//! The hour through the real server and its database: faulty streams, server kills, and some events by webhook, too. At
//! the end each event is one row, and its money is posted once.

use std::time::{Duration, Instant};

use tests::Server;
use tests::alpaca::{Behaviour, FakeAlpaca, Fault, Feed, KEY_ID, KEY_SECRET, Script};
use tests::database::Database;
use tests::load::send_until_acknowledged;
use tests::providers::{Providers, now};

use crate::fixture::wait_until_applied;
use crate::hour::{Planned, faults, plan};
use tests::random::Random;

/// Of each server; pauses between its connections are a second or more.
const LIFETIME: Duration = Duration::from_secs(6);
/// For the rest, without faults.
const REST_TIMEOUT: Duration = Duration::from_secs(180);
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Between two events of the relay.
const RELAY_INTERVAL: Duration = Duration::from_millis(30);
/// Events that the relay delivers to each server.
const RELAYED: usize = 60;
const HOUR_MS: i64 = 3_600_000;

struct Hour {
    seed: u64,
    /// Of all five streams.
    events: usize,
    /// Of the server.
    kills: u32,
}

struct Fixture<'a> {
    providers: Providers,
    broker: FakeAlpaca,
    database: &'a Database,
}

impl<'a> Fixture<'a> {
    fn new(database: &'a Database) -> Self {
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

    fn event_count(&self) -> i64 {
        self.database.integer("SELECT COUNT(*) FROM webhook_events")
    }

    /// Faults for the first connections; some events are certain to be dropped.
    fn script_faults(&self, random: &mut Random, events: usize) {
        let drops = Script::default().after(20, Fault::Drop(10));
        self.broker.next(Feed::Trades, [Behaviour::Stream(drops)]);
        for feed in Feed::ALL {
            self.broker.next(feed, (0..40).map(|_| faults::connection(random, events / 10)));
        }
    }
}

#[test]
fn every_event_is_stored_and_applied_once_on_sqlite() {
    let directory = tempfile::tempdir().unwrap();
    run(&Hour { seed: 10, events: 4_000, kills: 4 }, &Database::sqlite_in(directory.path()));
}

#[test]
fn every_event_is_stored_and_applied_once_on_postgres() {
    run(&Hour { seed: 11, events: 2_000, kills: 3 }, &Database::on_postgres());
}

fn run(hour: &Hour, database: &Database) {
    let fixture = Fixture::new(database);
    let mut random = Random::from_seed(hour.seed);
    let planned = plan(&mut random, hour.events, now().as_millisecond() - HOUR_MS - 300_000);
    fixture.script_faults(&mut random, hour.events);
    std::thread::scope(|scope| {
        scope.spawn(|| publish(&fixture.broker, &planned, LIFETIME * hour.kills));
        for run in 0..hour.kills as usize {
            let server = fixture.start();
            relay(&fixture, &server, &planned, run);
            // With SIGKILL.
            drop(server);
            database.expire_leases();
        }
    });
    fixture.broker.clear_faults();
    let server = fixture.start();
    wait_for_all(&fixture, &server, &planned);
    assert_stored_once(database, &planned);
    assert_posted_once(database, &server, &planned);
    assert_faults_happened(&fixture.broker, hour, planned.len());
}

fn assert_faults_happened(broker: &FakeAlpaca, hour: &Hour, events: usize) {
    let over_all = |count: &dyn Fn(Feed) -> usize| Feed::ALL.into_iter().map(count).sum::<usize>();
    let dropped = over_all(&|feed| broker.events_dropped(feed));
    let sent = over_all(&|feed| broker.events_sent(feed));
    let connections = over_all(&|feed| broker.requests(feed));
    eprintln!(
        "{events} events, sent {sent} times over {connections} connections, {dropped} dropped, {} kills: each stored once",
        hour.kills
    );
    assert!(dropped > 0, "the broker dropped events");
    // Every server reads the last events of its predecessor again.
    assert!(sent > events + events / 10, "{sent} were sent for {events}");
}

/// Publishes the hour's events over `duration`.
fn publish(broker: &FakeAlpaca, planned: &[Planned], duration: Duration) {
    let (started, first_ms) = (Instant::now(), planned[0].published_ms);
    for event in planned {
        let share = (event.published_ms - first_ms) as f64 / (HOUR_MS + 240_000) as f64;
        std::thread::sleep(duration.mul_f64(share).saturating_sub(started.elapsed()));
        broker.publish(event.feed, &event.id, &event.json);
    }
}

/// Delivers some of the same events by webhook, before or after the streams do, for the lifetime of one server.
fn relay(fixture: &Fixture, server: &Server, planned: &[Planned], run: usize) {
    let started = Instant::now();
    for event in planned.iter().skip(run * 97).step_by(planned.len() / RELAYED) {
        let kind = match event.feed {
            Feed::Trades => "trade",
            Feed::AccountStatus => "account",
            Feed::Journals => "journal",
            Feed::Funding => "transfer",
            Feed::Activities => "activity",
        };
        let request = fixture.providers.alpaca(kind, event.json.clone());
        drop(send_until_acknowledged(&[server.address()], &[request], 1));
        std::thread::sleep(RELAY_INTERVAL);
    }
    std::thread::sleep(LIFETIME.saturating_sub(started.elapsed()));
}

fn wait_for_all(fixture: &Fixture, server: &Server, planned: &[Planned]) {
    let started = Instant::now();
    while fixture.event_count() < i64::try_from(planned.len()).unwrap() {
        let (count, log) = (fixture.event_count(), server.log());
        assert!(started.elapsed() < REST_TIMEOUT, "{count} of {}; log:\n{log}", planned.len());
        std::thread::sleep(POLL_INTERVAL);
    }
    wait_until_applied(server, fixture.database);
}

fn assert_stored_once(database: &Database, planned: &[Planned]) {
    let rows = database.rows("SELECT dedupe_key, transport, channel FROM webhook_events ORDER BY dedupe_key");
    let mut stored: Vec<&str> = rows.iter().map(|row| row[0].rsplit('/').next().unwrap()).collect();
    let mut ids: Vec<&str> = planned.iter().map(|event| event.id.as_str()).collect();
    stored.sort_unstable();
    ids.sort_unstable();
    assert_eq!(stored, ids, "no gap, no duplicate, no unknown event");
    let transports = |name: &str| rows.iter().filter(|row| row[1] == name).count();
    assert!(transports("stream") > planned.len() / 2, "most came by stream");
    assert!(transports("webhook") > 0, "some came by webhook first");
    let channels: std::collections::BTreeSet<&str> = rows.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(channels.len(), 5, "{channels:?}");
}

/// Each activity is a deposit of ten dollars; nothing else of the hour moves money.
fn assert_posted_once(database: &Database, server: &Server, planned: &[Planned]) {
    let deposits = planned.iter().filter(|event| event.feed == Feed::Activities).count();
    let posted = database.integer("SELECT SUM(minor) FROM ledger_entries WHERE holder IS NOT NULL");
    assert_eq!(posted, i64::try_from(deposits).unwrap() * 1_000);
    assert_eq!(database.integer("SELECT SUM(minor) FROM ledger_entries"), 0);
    assert_eq!(database.integer("SELECT COUNT(*) FROM webhook_jobs WHERE state = 'dead'"), 0);
    let verification = server.admin_json("/api/admin/audit/verify");
    assert_eq!(verification["is_intact"], true, "{verification}");
}
